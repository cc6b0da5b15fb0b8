//! Programs for devices fetched from a bare address.

use std::net::IpAddr;

use event::Kind;

use super::{Asked, shown};
use crate::detectors::about::{About, Detector};
use crate::detectors::alarm::Alarm;

pub(in crate::detectors) const ABOUT: About = About {
    detector: Detector::IotDownload,
    name: "iot_download",
    aliases: &["iot_malware_download"],
    on: true,
    events: "URL, `potential iot-malware download (suspicious)`; the trail is `host(path)`",
    finds: "A file named after a processor (mips, armv7, sh4, x86 ...) fetched over HTTP from a bare address.",
    why: "Bots of the Mirai kind load themselves so, one file for each processor, onto routers and cameras.",
    example: "`GET http://192.0.2.7/bins/bot.mips`",
    false_alarms: "Own builds for several processors on a server without a name.",
    evaded: "By other names of files, or a name of the server.",
    threshold: None,
};

#[inline]
pub(in crate::detectors) fn see(asked: &Asked<'_>) -> Option<Alarm> {
    let digit = asked.host.first().is_none_or(u8::is_ascii_digit);
    if digit || asked.host.contains(&b':') { raise(asked) } else { None }
}

fn raise(asked: &Asked<'_>) -> Option<Alarm> {
    let bare =
        asked.host.is_empty() || std::str::from_utf8(asked.host).is_ok_and(|host| host.parse::<IpAddr>().is_ok());
    let file = asked.file();
    let word = file.rsplit(|byte| matches!(byte, b'.' | b'-' | b'_')).next()?;
    // `x86_64` has one of these in it.
    if !bare || !(is_processor(word) || file.ends_with(b"x86_64")) {
        return None;
    }
    let alarm = asked.alarm(Kind::Url, "potential iot-malware download (suspicious)")?;
    Some(alarm.because(70, format!("a file named after the processor {} from a bare address", shown(word))))
}

fn is_processor(word: &[u8]) -> bool {
    matches!(
        word.to_ascii_lowercase().as_slice(),
        b"mips"
            | b"mips64"
            | b"mipsel"
            | b"mpsl"
            | b"mipseb"
            | b"mipsle"
            | b"arm"
            | b"arm4"
            | b"arm5"
            | b"arm6"
            | b"arm7"
            | b"arm8"
            | b"arm64"
            | b"armv4"
            | b"armv4l"
            | b"armv5"
            | b"armv5l"
            | b"armv6"
            | b"armv6l"
            | b"armv7"
            | b"armv7l"
            | b"armv8"
            | b"aarch64"
            | b"sh4"
            | b"x86"
            | b"x64"
            | b"i486"
            | b"i586"
            | b"i686"
            | b"ppc"
            | b"ppc440"
            | b"powerpc"
            | b"m68k"
            | b"spc"
            | b"sparc"
            | b"arc"
            | b"arc700"
    )
}
