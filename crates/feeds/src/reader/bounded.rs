//! JSON within limits: lists that keep what matters, values of so many parts.
//!
//! A few bytes of a document can become a hundred of memory. So of lists only elements that are wanted are kept, and
//! values that may have any form are cut where they have too many parts. What is left out is counted.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

/// Most elements of a list that are kept.
pub(super) const MAX_ELEMENTS: usize = 200_000;

/// Whether an element of a list is kept.
pub(super) trait Wanted {
    fn wanted(&self) -> bool;
}

/// The wanted elements of a list; `null` is an empty list.
#[derive(Debug)]
pub(super) struct Few<T> {
    pub(super) kept: Vec<T>,
    /// Wanted, but more than [`MAX_ELEMENTS`].
    pub(super) left_out: u64,
}

impl<T> Default for Few<T> {
    fn default() -> Few<T> {
        Few { kept: Vec::new(), left_out: 0 }
    }
}

impl<'de, T: DeserializeOwned + Wanted> Deserialize<'de> for Few<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Few<T>, D::Error> {
        deserializer.deserialize_any(FewVisitor(PhantomData))
    }
}

struct FewVisitor<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned + Wanted> Visitor<'de> for FewVisitor<T> {
    type Value = Few<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E: Error>(self) -> Result<Few<T>, E> {
        Ok(Few::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Few<T>, A::Error> {
        let mut few = Few::default();
        while few.kept.len() < MAX_ELEMENTS {
            match list.next_element::<T>()? {
                Some(element) if element.wanted() => few.kept.push(element),
                Some(_) => {}
                None => return Ok(few),
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {
            few.left_out += 1;
        }
        Ok(few)
    }
}

/// A value of any form of at most `left` parts; parts beyond are `null`, counted in `over`.
pub(super) struct Parts<'b> {
    pub(super) left: &'b mut usize,
    pub(super) over: &'b mut u64,
}

impl<'de> DeserializeSeed<'de> for Parts<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self.left.checked_sub(1) {
            Some(left) => {
                *self.left = left;
                deserializer.deserialize_any(self)
            }
            None => {
                *self.over += 1;
                IgnoredAny::deserialize(deserializer).map(|_| Value::Null)
            }
        }
    }
}

impl<'de> Visitor<'de> for Parts<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let Parts { left, over } = self;
        let mut values = Vec::new();
        while *left > 0 {
            match list.next_element_seed(Parts { left: &mut *left, over: &mut *over })? {
                Some(value) => values.push(value),
                None => return Ok(Value::Array(values)),
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {
            *over += 1;
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let Parts { left, over } = self;
        let mut values = serde_json::Map::new();
        while *left > 0 {
            match map.next_key::<String>()? {
                Some(key) => {
                    let value = map.next_value_seed(Parts { left: &mut *left, over: &mut *over })?;
                    values.insert(key, value);
                }
                None => return Ok(Value::Object(values)),
            }
        }
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            *over += 1;
        }
        Ok(Value::Object(values))
    }
}

/// What documents say as `true`, `1`, or `"1"`.
pub(super) fn truth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let (mut left, mut over) = (1, 0);
    let value = Parts { left: &mut left, over: &mut over }.deserialize(deserializer)?;
    Ok(match value {
        Value::Bool(truth) => truth,
        Value::Number(number) => number.as_u64() == Some(1),
        Value::String(text) => text == "1" || text == "true",
        _ => false,
    })
}

/// A text, or nothing where something else stands.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let (mut left, mut over) = (1, 0);
    let value = Parts { left: &mut left, over: &mut over }.deserialize(deserializer)?;
    Ok(match value {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Even(usize);

    impl Wanted for Even {
        fn wanted(&self) -> bool {
            self.0.is_multiple_of(2)
        }
    }

    #[test]
    fn lists_keep_what_is_wanted_up_to_a_limit() {
        let few: Few<Even> = serde_json::from_str("[1, 2, 3, 4]").unwrap();
        assert_eq!((few.kept.len(), few.left_out), (2, 0));
        assert_eq!(serde_json::from_str::<Few<Even>>("null").unwrap().kept.len(), 0);
        assert!(serde_json::from_str::<Few<Even>>("{}").is_err());
        for (length, left_out) in [(MAX_ELEMENTS - 1, 0), (MAX_ELEMENTS, 0), (MAX_ELEMENTS + 1, 1)] {
            let few: Few<Even> = serde_json::from_str(&format!("[{}0]", "2,".repeat(length - 1))).unwrap();
            assert_eq!((few.kept.len() as u64 + few.left_out, few.left_out), (length as u64, left_out));
        }
    }

    #[test]
    fn values_have_so_many_parts() {
        let text = r#"{"a": [1, "x", null, {"b": 2.5}], "c": true}"#; // 8 values
        for (limit, over) in [(7, 1), (8, 0), (9, 0)] {
            let (mut left, mut found) = (limit, 0);
            let parts = Parts { left: &mut left, over: &mut found };
            let value = parts.deserialize(&mut serde_json::Deserializer::from_str(text)).unwrap();
            assert_eq!(found, over, "{limit}");
            assert_eq!(value == serde_json::from_str::<Value>(text).unwrap(), over == 0, "{value}");
        }
    }
}
