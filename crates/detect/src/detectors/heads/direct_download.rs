//! Programs fetched over plain HTTP.

use event::Kind;

use super::Asked;
use crate::detectors::about::{About, Detector};
use crate::detectors::alarm::Alarm;
use crate::detectors::net::is_local;
use crate::survey::find;

pub(in crate::detectors) const ABOUT: About = About {
    detector: Detector::DirectDownload,
    name: "direct_download",
    aliases: &["direct_downloads"],
    on: true,
    events: "URL, `direct .exe download (suspicious)` and so on; the trail is `host(path)`",
    finds: "Programs and scripts for Windows and Android fetched over HTTP from outside: .apk .bat .cmd .cpl .dll .exe .hta .iso \
            .jar .jse .lnk .msi .ocx .pif .ps1 .scr .sct .sys .vbe .vbs .wsf .xll.",
    why: "Most malware comes to a host in this way, and honest software hardly without TLS any more.",
    example: "`GET http://192.0.2.7/a/load.exe`",
    false_alarms: "Updates that still come over HTTP: the known ones (Microsoft, Google, Mozilla, Adobe, drivers, virus \
                   scanners, package repositories) are left out.",
    evaded: "By TLS, by another extension, or in an archive.",
    threshold: None,
};

/// Whose programs come over HTTP for no bad purpose.
const KNOWN: [&[u8]; 52] = [
    b"microsoft.com",
    b"windowsupdate.com",
    b"msftconnecttest.com",
    b"office.net",
    b"visualstudio.com",
    b"azureedge.net",
    b"google.com",
    b"gvt1.com",
    b"googleapis.com",
    b"mozilla.org",
    b"mozilla.net",
    b"mozilla.com",
    b"adobe.com",
    b"apple.com",
    b"java.com",
    b"oracle.com",
    b"sun.com",
    b"debian.org",
    b"ubuntu.com",
    b"fedoraproject.org",
    b"nvidia.com",
    b"intel.com",
    b"amd.com",
    b"hp.com",
    b"dell.com",
    b"lenovo.com",
    b"asus.com",
    b"logitech.com",
    b"kaspersky.com",
    b"kaspersky-labs.com",
    b"avast.com",
    b"avcdn.net",
    b"avg.com",
    b"avira.com",
    b"eset.com",
    b"symantec.com",
    b"symantecliveupdate.com",
    b"norton.com",
    b"mcafee.com",
    b"trendmicro.com",
    b"bitdefender.com",
    b"sophos.com",
    b"sophosupd.com",
    b"drweb.com",
    b"steampowered.com",
    b"steamcontent.com",
    b"blizzard.com",
    b"opera.com",
    b"videolan.org",
    b"dropbox.com",
    b"zoom.us",
    b"teamviewer.com",
];

/// The extension of the file of a path, with its dot, if it is one of programs.
#[inline]
fn extension(path: &[u8]) -> Option<&'static str> {
    let end = find(path, b'?').unwrap_or(path.len());
    let [before, dot, letters @ ..] = path.get(..end)?.last_chunk::<5>()?;
    (*dot == b'.' && *before != b'/').then_some(())?;
    Some(match &letters.map(|letter| letter.to_ascii_lowercase()) {
        b"apk" => ".apk",
        b"bat" => ".bat",
        b"cmd" => ".cmd",
        b"cpl" => ".cpl",
        b"dll" => ".dll",
        b"exe" => ".exe",
        b"hta" => ".hta",
        b"iso" => ".iso",
        b"jar" => ".jar",
        b"jse" => ".jse",
        b"lnk" => ".lnk",
        b"msi" => ".msi",
        b"ocx" => ".ocx",
        b"pif" => ".pif",
        b"ps1" => ".ps1",
        b"scr" => ".scr",
        b"sct" => ".sct",
        b"sys" => ".sys",
        b"vbe" => ".vbe",
        b"vbs" => ".vbs",
        b"wsf" => ".wsf",
        b"xll" => ".xll",
        _ => return None,
    })
}

#[inline]
pub(in crate::detectors) fn see(asked: &Asked<'_>) -> Option<Alarm> {
    raise(asked, extension(asked.path)?)
}

#[cold]
fn raise(asked: &Asked<'_>, extension: &str) -> Option<Alarm> {
    if is_local(asked.flow.dst) && !asked.absolute || asked.request.method != b"GET" || is_known(asked.host) {
        return None;
    }
    let alarm = asked.alarm(Kind::Url, &format!("direct {extension} download (suspicious)"))?;
    Some(alarm.because(50, format!("a {extension} file over HTTP")))
}

fn is_known(host: &[u8]) -> bool {
    let host = host.to_ascii_lowercase();
    KNOWN.iter().any(|known| host.strip_suffix(*known).is_some_and(|rest| rest.is_empty() || rest.ends_with(b".")))
}
