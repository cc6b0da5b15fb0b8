use std::fs;

use super::*;

/// What is told of files of one's own: `file:line level text: problem`.
fn told(files: &[(&str, &str)], custom: bool, whitelist: &str) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(directory.path().join(name), text).unwrap();
    }
    let resolver = |indicator: &Indicator<'_>| {
        matches!(indicator, Indicator::Address(address) if address.to_string() == "9.9.9.9").then(|| "Quad9".to_owned())
    };
    let (whitelist, own) = (Whitelist::from_lines(whitelist).0, vec!["203.0.113.0/24".parse().unwrap()]);
    let mut linter = Linter::new(Surroundings { whitelist, own, resolver: &resolver });
    linter.read(directory.path(), Origin { reference: "(custom)", custom }).unwrap();
    let verdict = linter.finish().unwrap();
    let root = directory.path().display().to_string();
    let line = |told: &Told| {
        let file = told.file.file_name().unwrap().to_string_lossy();
        let problem = told.problem.to_string().replace(&format!("{root}/"), "");
        format!("{file}:{} {} {}: {problem}", told.line, told.problem.level().name(), told.text)
    };
    verdict.told.iter().map(line).collect()
}

fn of_lines(text: &str) -> Vec<String> {
    told(&[("a.txt", text)], true, "")
}

#[test]
fn lines_as_they_should_be_are_passed_over() {
    let text = "# comment\nevil.example.com\n\n8.8.4.4 # why\n8.8.4.4:443\n[2a01::1]:80\n8.8.4.0/24\n/gate.php\n\
        evil.example.com/x\n^evil[0-9]+\\.net$\n0123456789abcdef0123456789abcdef\n";
    assert_eq!(of_lines(text), [""; 0]);
}

#[test]
fn what_is_no_indicator_and_why() {
    assert_eq!(
        of_lines("8.8.4.4:99999\nevil example\n^(a*)$\n^(a$\nok.com\n"),
        [
            "a.txt:1 error 8.8.4.4:99999: not a port",
            "a.txt:2 error evil example: a character that no name has",
            "a.txt:3 error ^(a*)$: the pattern matches everything",
            "a.txt:4 error ^(a$: the pattern does not compile",
        ]
    );
    assert_eq!(told(&[("t.csv", "a.com,x\n")], true, ""), ["t.csv:1 error a.comx: not a row of trail,info,reference"]);
}

#[test]
fn what_can_never_be_found_and_what_is_in_its_place() {
    assert_eq!(
        of_lines("1.2.3.0/30\n1.2.3.0/31\n1.2.3.2/31\nx[0-9]\\.shady\\.com$\nshady.com\n"),
        [
            "a.txt:1 error 1.2.3.0/30: can never be found: others are found in its place: 1.2.3.0/31, 1.2.3.2/31",
            r"a.txt:4 error x[0-9]\.shady\.com$: can never be found: a listed name covers all that it matches: shady.com",
        ]
    );
}

#[test]
fn what_is_hardly_meant() {
    let text = "com\n9.9.9.9\n10.1.2.3\n203.0.113.7\n203.0.0.0/16\nprinter.lan\ngood.org\na.good.org\n";
    assert_eq!(
        told(&[("a.txt", text)], true, "good.org"),
        [
            "a.txt:1 warning com: lists a whole top-level domain",
            "a.txt:2 warning 9.9.9.9: is a public resolver (Quad9)",
            "a.txt:3 warning 10.1.2.3: is private or reserved",
            "a.txt:4 warning 203.0.113.7: lies in your own networks (HOME_NETWORKS 203.0.113.0/24)",
            "a.txt:5 warning 203.0.0.0/16: lies in your own networks (HOME_NETWORKS 203.0.113.0/24)",
            "a.txt:6 warning printer.lan: is a name of local networks",
            "a.txt:7 error good.org: is on USER_WHITELIST",
            "a.txt:8 error a.good.org: is on USER_WHITELIST",
        ]
    );
    let cause = "its last label is one of local networks, of which only your own lists are believed";
    assert_eq!(
        told(&[("a.txt", "10.1.2.3\nprinter.lan\n")], false, ""),
        [
            "a.txt:1 error 10.1.2.3: is private or reserved, and left out of lists of others".to_owned(),
            format!("a.txt:2 error printer.lan: can never be found: {cause}"),
        ]
    );
}

#[test]
fn what_stands_twice_within_a_file_and_between_files() {
    let files = [("a.txt", "evil.com\nEVIL.com\n"), ("b.txt", "evil.com\n"), ("c.csv", "evil.com,x,(static)\n")];
    assert_eq!(
        told(&files, true, ""),
        [
            "a.txt:2 note EVIL.com: stands in a.txt:1 already",
            "a.txt:2 note EVIL.com: is read as name evil.com (in small letters)",
            "b.txt:1 note evil.com: stands in a.txt:1 already",
            "c.csv:1 note evil.com: stands in a.txt:1 already",
        ]
    );
}

#[test]
fn what_the_reader_makes_of_a_line() {
    let requests = "lists HTTP requests to this host alone, not its name";
    for (text, read) in [
        ("WWW.Evil.com.", "name evil.com (without www., without dots at its ends, in small letters)"),
        ("*.evil.com", "name evil.com (without *., which a name stands for anyway)"),
        ("http://evil.com/a/", "URL evil.com/a (without its scheme, without a slash at its end)"),
        ("http://evil.com", "URL evil.com/ (without its scheme)"),
        ("https://1.2.3.4:8080", "address:port 1.2.3.4:8080 (without its scheme)"),
        ("онлайн.com", "name xn--80asehdb.com (as it is written in traffic)"),
        ("1.2.3.4/24", "network 1.2.3.0/24 (by its first address)"),
        ("1.2.3.4/32", "address 1.2.3.4 (a network of one address)"),
        ("2a01:0:0::1", "address 2a01::1 (in its usual form)"),
        ("evil*.com", r"pattern (^|\.)evil[^.]*\.com$ (the wildcard as an expression)"),
        ("0123456789ABCDEF0123456789ABCDEF", "JA3 0123456789abcdef0123456789abcdef (in small letters)"),
    ] {
        let told = of_lines(text);
        let requests = (text == "http://evil.com").then(|| format!("a.txt:1 warning {text}: {requests}"));
        let expected: Vec<String> =
            requests.into_iter().chain([format!("a.txt:1 note {text}: is read as {read}")]).collect();
        assert_eq!(told, expected);
    }
}

#[test]
fn all_are_counted_and_so_many_told() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.txt");
    for count in [MAX_TOLD - 1, MAX_TOLD, MAX_TOLD + 1] {
        fs::write(&file, "a b\n".repeat(count)).unwrap();
        let (whitelist, own) = (Whitelist::default(), Vec::new());
        let mut linter = Linter::new(Surroundings { whitelist, own, resolver: &|_| None });
        linter.read(&file, Origin { reference: "(custom)", custom: true }).unwrap();
        let verdict = linter.finish().unwrap();
        assert_eq!((verdict.of(Level::Error), verdict.lines), (count as u64, count as u64));
        assert_eq!(verdict.told.len(), count.min(MAX_TOLD));
    }
}

proptest::proptest! {
    #[test]
    fn any_lines_are_judged(text in "(\\PC{0,40}\n|[a-z*.:/0-9\\[\\]]{0,20}\n){0,6}") {
        // What is not told is read as it stands.
        let _ = of_lines(&text);
    }
}
