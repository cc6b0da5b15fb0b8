//! Which records of a feed count: by what a column or member of them says.

use serde::Deserialize;

/// What a value must be.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Test {
    /// One of these texts, in any case.
    pub one_of: Vec<String>,
    /// None of these texts, in any case.
    pub none_of: Vec<String>,
    /// A number of at least this.
    pub at_least: Option<f64>,
}

impl Test {
    /// Whether a value passes; what is not there is an empty text.
    #[must_use]
    pub fn passes(&self, value: &str) -> bool {
        let value = value.trim();
        let among = |texts: &[String]| texts.iter().any(|text| text.eq_ignore_ascii_case(value));
        (self.one_of.is_empty() || among(&self.one_of))
            && !among(&self.none_of)
            && self.at_least.is_none_or(|least| value.parse().is_ok_and(|number: f64| number >= least))
    }

    pub(super) fn problem(&self) -> Option<String> {
        let empty = self.one_of.is_empty() && self.none_of.is_empty() && self.at_least.is_none();
        empty.then(|| "read: a filter names one_of, none_of or at_least".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        let online = Test { one_of: vec!["online".into()], ..Test::default() };
        assert!(online.passes(" Online ") && !online.passes("offline") && !online.passes(""));
        let sure = Test { at_least: Some(75.0), ..Test::default() };
        assert!(
            sure.passes("75") && sure.passes("100") && !sure.passes("74.9") && !sure.passes("") && !sure.passes("NaN")
        );
        let other = Test { none_of: vec!["scanning".into()], ..Test::default() };
        assert!(other.passes("") && !other.passes("Scanning"));
        assert!(Test::default().problem().is_some() && online.problem().is_none());
    }
}
