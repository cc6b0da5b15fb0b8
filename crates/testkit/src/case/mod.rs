//! Cases: trails, packets and the events they must give, as text.
//!
//! A case file has a description, then sections under `[name]` headings; `cases/README.md` says what they hold.
//! [`Case::parse`] reads one, [`run()`] proves it.

mod run;
mod settings;

pub use run::run;

use std::path::{Path, PathBuf};

use crate::Recorded;
use crate::words::{self, Problem};

const SECTIONS: &[&str] = &["trails", "settings", "user-agents", "packets", "events"];

/// A parsed case.
#[derive(Clone, Debug)]
pub struct Case {
    /// Path of its file below the directory of cases, without the suffix: `dns/parent`.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// What it shows, in words.
    pub description: String,
    /// Lines of a trails CSV.
    pub trails: String,
    /// Settings as in maltrail.conf, with their line numbers.
    pub settings: Vec<(usize, String, String)>,
    /// The list that replaces the built-in one, if the case has one.
    pub user_agents: Option<String>,
    /// Frames in order.
    pub frames: Vec<Recorded>,
    /// Expected events, one a line.
    pub events: Vec<String>,
}

impl Case {
    /// Reads a case file.
    ///
    /// # Errors
    /// It cannot be read, or a line of it is wrong.
    pub fn read(root: &Path, path: &Path) -> Result<Case, Problem> {
        let text = std::fs::read_to_string(path).map_err(|e| Problem { line: 0, what: e.to_string() })?;
        let name = path.strip_prefix(root).unwrap_or(path).with_extension("").display().to_string();
        Case::parse(&name, path, &text)
    }

    /// Takes the text of a case apart.
    ///
    /// # Errors
    /// The first line that is wrong, with its number.
    pub fn parse(name: &str, path: &Path, text: &str) -> Result<Case, Problem> {
        let mut sections: Vec<(&str, Vec<(usize, &str)>)> = vec![("", Vec::new())];
        for (i, line) in text.lines().enumerate() {
            match heading(line) {
                Some(heading) if !SECTIONS.contains(&heading) => {
                    let what = format!("no section [{heading}]: there are {}", SECTIONS.join(", "));
                    return Err(Problem { line: i + 1, what });
                }
                Some(heading) if sections.iter().any(|(known, _)| *known == heading) => {
                    return Err(Problem { line: i + 1, what: format!("a second section [{heading}]") });
                }
                Some(heading) => sections.push((heading, Vec::new())),
                None => sections.last_mut().expect("never empty").1.push((i + 1, line)),
            }
        }
        let find = |wanted: &str| sections.iter().find(|(name, _)| *name == wanted).map(|(_, lines)| lines.as_slice());
        let need = |wanted: &str| {
            find(wanted).ok_or_else(|| Problem { line: 1, what: format!("the section [{wanted}] is missing") })
        };
        let content = |lines: &[(usize, &str)]| -> Vec<(usize, String)> {
            let kept = lines.iter().filter(|(_, line)| !line.trim().is_empty());
            kept.map(|(number, line)| (*number, line.trim().to_owned())).collect()
        };
        let text_of = |lines: &[(usize, &str)]| content(lines).into_iter().map(|(_, line)| line + "\n").collect();
        let description: String = text_of(find("").unwrap_or_default());
        if description.is_empty() {
            return Err(Problem { line: 1, what: "a case begins with a description of what it shows".to_owned() });
        }
        let events = content(need("events")?).into_iter().map(|(_, line)| line);
        let directory = path.parent().unwrap_or(Path::new("."));
        Ok(Case {
            name: name.to_owned(),
            path: path.to_owned(),
            description,
            trails: text_of(need("trails")?),
            settings: settings_of(&content(find("settings").unwrap_or_default()))?,
            user_agents: find("user-agents").map(text_of),
            frames: words::packets_of_lines(need("packets")?, directory)?,
            events: events.filter(|line| line != "none").collect(),
        })
    }

    /// The file's text with other events.
    #[must_use]
    pub fn with_events(text: &str, events: &[String]) -> String {
        let kept = text.lines().take_while(|line| heading(line) != Some("events"));
        let mut out: String = kept.map(|line| format!("{line}\n")).collect();
        out.push_str("[events]\n");
        if events.is_empty() {
            out.push_str("none\n");
        }
        for event in events {
            out.push_str(event);
            out.push('\n');
        }
        out
    }
}

fn heading(line: &str) -> Option<&str> {
    let inside = line.trim_end().strip_prefix('[')?.strip_suffix(']')?;
    inside.bytes().all(|b| b.is_ascii_lowercase() || b == b'-').then_some(inside)
}

fn settings_of(lines: &[(usize, String)]) -> Result<Vec<(usize, String, String)>, Problem> {
    let mut out = Vec::new();
    for (line, text) in lines {
        let Some((key, value)) = text.split_once(char::is_whitespace) else {
            return Err(Problem { line: *line, what: format!("{text:?} is no KEY value") });
        };
        out.push((*line, key.to_owned(), value.trim().to_owned()));
    }
    Ok(out)
}

/// All case files below `root`, sorted.
///
/// # Errors
/// A directory cannot be read.
pub fn list(root: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut out = Vec::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory)? {
            let path = entry?.path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|e| e == "case") {
                out.push(path);
            }
        }
    }
    out.sort();
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
Shows something.

[trails]
evil.example.com,evil (malware),(static)

[settings]
SENSOR_NAME here

[packets]
# a comment
10.0.0.5:40000 > 8.8.8.8:53 udp dns query evil.example.com A

[events]
none
";

    fn parse(text: &str) -> Result<Case, Problem> {
        Case::parse("dns/x", Path::new("cases/dns/x.case"), text)
    }

    #[test]
    fn a_case_has_its_sections() {
        let case = parse(TEXT).unwrap();
        assert_eq!(case.description, "Shows something.\n");
        assert_eq!(case.trails, "evil.example.com,evil (malware),(static)\n");
        assert_eq!(case.settings, [(7, "SENSOR_NAME".to_owned(), "here".to_owned())]);
        assert_eq!((case.frames.len(), case.events.len()), (1, 0));
    }

    #[test]
    fn errors_have_their_line() {
        let what = |text: &str| parse(text).unwrap_err().to_string();
        assert_eq!(what(&TEXT.replace("udp dns", "udp frob")), "line 11: \"frob\" is no payload");
        assert!(what(&TEXT.replace("[settings]", "[setings]")).starts_with("line 6: no section [setings]"));
        assert!(what(&TEXT.replace("[settings]", "[trails]")).starts_with("line 6: a second section"));
        assert!(what(&TEXT.replace("SENSOR_NAME here", "SENSOR_NAME")).starts_with("line 7: "));
        assert!(what(&TEXT.replace("[events]\nnone\n", "")).contains("[events] is missing"));
        assert!(what(TEXT.strip_prefix("Shows something.").unwrap()).contains("description"));
    }

    #[test]
    fn events_are_rewritten_and_nothing_else() {
        let text = Case::with_events(TEXT, &["DNS a".to_owned()]);
        assert_eq!(text, TEXT.replace("none", "DNS a"));
        assert_eq!(Case::with_events(&text, &[]), TEXT);
    }
}
