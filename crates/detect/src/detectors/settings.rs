//! What detectors are told.

use super::about::Detector;

/// Switches and thresholds of all detectors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    on: [bool; Detector::ALL.len()],
    thresholds: [u32; Detector::ALL.len()],
    /// SCAN_WINDOW, seconds: over which scans are counted.
    pub scan_window: u32,
}

/// What cannot be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// No detector of that name.
    #[error("there is no detector `{0}`; docs/detectors.md lists them")]
    Unknown(String),
    /// Not `name=number`.
    #[error("`{0}` is not of the form detector=number")]
    Form(String),
    /// One that compares with no number.
    #[error("{0} has no threshold")]
    None(&'static str),
    /// Outside of what makes sense.
    #[error("the threshold of {name} is a number from {least} to {greatest}")]
    Range {
        /// The detector.
        name: &'static str,
        /// Least value.
        least: u32,
        /// Greatest value.
        greatest: u32,
    },
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            on: Detector::ALL.map(|detector| detector.about().on),
            thresholds: Detector::ALL.map(|detector| detector.about().threshold.map_or(0, |t| t.default)),
            scan_window: 30,
        }
    }
}

impl Settings {
    /// With no detector at all: USE_HEURISTICS false.
    #[must_use]
    pub fn none() -> Settings {
        Settings { on: [false; Detector::ALL.len()], ..Settings::default() }
    }

    /// Whether a detector is on.
    #[inline(always)]
    #[must_use]
    pub fn has(&self, detector: Detector) -> bool {
        self.on.get(detector as usize).copied().unwrap_or(false)
    }

    /// Whether a detector that looks at DNS queries is on.
    #[inline(always)]
    pub(super) fn counts_queries(&self) -> bool {
        self.has(Detector::DnsExhaustion) || self.has(Detector::DnsTunnel) || self.has(Detector::LongDomain)
    }

    /// Switches a detector.
    pub fn switch(&mut self, detector: Detector, on: bool) {
        if let Some(slot) = self.on.get_mut(detector as usize) {
            *slot = on;
        }
    }

    /// Switches the detector of that name off.
    ///
    /// # Errors
    /// There is none.
    pub fn disable(&mut self, name: &str) -> Result<(), SettingsError> {
        let detector = Detector::named(name).ok_or_else(|| SettingsError::Unknown(name.to_owned()))?;
        self.switch(detector, false);
        Ok(())
    }

    /// The number a detector compares with.
    #[must_use]
    pub fn threshold(&self, detector: Detector) -> u32 {
        self.thresholds.get(detector as usize).copied().unwrap_or(0)
    }

    /// Sets a threshold: `port_scanning=20`.
    ///
    /// # Errors
    /// It is not of that form, or outside of what makes sense.
    pub fn set_threshold(&mut self, text: &str) -> Result<(), SettingsError> {
        let form = || SettingsError::Form(text.to_owned());
        let (name, value) = text.split_once('=').ok_or_else(form)?;
        let name = name.trim();
        let detector = Detector::named(name).ok_or_else(|| SettingsError::Unknown(name.to_owned()))?;
        let about = detector.about();
        let threshold = about.threshold.ok_or(SettingsError::None(about.name))?;
        let value: u32 = value.trim().parse().map_err(|_| form())?;
        if !(threshold.least..=threshold.greatest).contains(&value) {
            let (least, greatest) = (threshold.least, threshold.greatest);
            return Err(SettingsError::Range { name: about.name, least, greatest });
        }
        if let Some(slot) = self.thresholds.get_mut(detector as usize) {
            *slot = value;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_and_thresholds() {
        let mut settings = Settings::default();
        settings.disable("port_scan").unwrap();
        assert!(!settings.has(Detector::PortScanning) && settings.has(Detector::UdpScanning));
        settings.set_threshold(" Infection = 64").unwrap();
        assert_eq!((settings.threshold(Detector::Infection), settings.threshold(Detector::PortScanning)), (64, 10));
        let wrong = |text: &str| Settings::default().set_threshold(text).unwrap_err().to_string();
        assert_eq!(wrong("infection"), "`infection` is not of the form detector=number");
        assert_eq!(wrong("infection=x"), "`infection=x` is not of the form detector=number");
        assert_eq!(wrong("worms=5"), "there is no detector `worms`; docs/detectors.md lists them");
        assert_eq!(wrong("infection=0"), "the threshold of infection is a number from 1 to 60000");
        assert_eq!(settings.disable("x"), Err(SettingsError::Unknown("x".to_owned())));
        assert!(Detector::ALL.into_iter().all(|detector| !Settings::none().has(detector)));
    }
}
