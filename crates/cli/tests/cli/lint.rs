//! `maltrail trails lint`, from outside.

use crate::{directory, maltrail, update, write};
use predicates::prelude::*;
use predicates::str::contains;

#[test]
fn each_line_is_told_with_its_place_what_is_wrong_and_what_to_do() {
    let dir = directory();
    std::fs::create_dir(dir.path().join("own")).unwrap();
    write(&dir, "own/a.txt", "evil.com\nWWW.evil.com\n1.2.3.4:99999\nevil\x1b site\n9.9.9.9\n");
    write(&dir, "own/b.txt", "1.2.3.0/30\n1.2.3.0/31\n1.2.3.2/31\ngood.org\n203.0.113.9\ncom\n");
    write(&dir, "good.txt", "good.org\n");
    let settings =
        "CUSTOM_TRAILS_DIR own\nTRAILS_FILE none.csv\nUSER_WHITELIST good.txt\nHOME_NETWORKS 203.0.113.0/24\n";
    write(&dir, "maltrail.conf", settings);
    let expected = "\
own/a.txt:2: note: `WWW.evil.com` stands in own/a.txt:1 already
    keep one of them
own/a.txt:2: note: `WWW.evil.com` is read as name evil.com (without www., in small letters)
    nothing, unless something else was meant
own/a.txt:3: error: `1.2.3.4:99999` not a port
    write a port from 1 to 65535, or the address alone
own/a.txt:4: error: `evil\\u{1b} site` a character that no name has
    one indicator a line; a comment begins with #
own/a.txt:5: warning: `9.9.9.9` is a public resolver (Quad9)
    remove it, unless asking this resolver is what you want to hear of
own/b.txt:1: error: `1.2.3.0/30` can never be found: others are found in its place: 1.2.3.0/31, 1.2.3.2/31
    remove the line: it has no effect
own/b.txt:4: error: `good.org` is on USER_WHITELIST
    remove it here, or from USER_WHITELIST
own/b.txt:5: warning: `203.0.113.9` lies in your own networks (HOME_NETWORKS 203.0.113.0/24)
    remove it, unless every packet of these hosts is to be told
own/b.txt:6: warning: `com` lists a whole top-level domain
    write the names that are meant, unless all of the top-level domain is

2 files, 11 lines: 4 errors, 3 warnings, 2 notes
6 trails can be found: name 2, address 2, network 2
";
    let output = maltrail(dir.path()).args(["trails", "lint"]).assert().code(7).get_output().stdout.clone();
    let root = format!("{}/", dir.path().canonicalize().unwrap().display());
    assert_eq!(String::from_utf8(output).unwrap().replace(&root, ""), expected);
    maltrail(dir.path())
        .args(["trails", "lint", "--level", "error", "--limit", "1"])
        .assert()
        .code(7)
        .stdout(contains("99999").and(contains("... and 3 more (--limit)")).and(contains("note:").not()));
}

#[test]
fn programs_get_objects() {
    let dir = directory();
    write(&dir, "a.txt", "http://evil.com/a\n");
    write(&dir, "b.csv", "evil.com/a,x,(static)\n10.0.0.1,x,(static)\n");
    let output = maltrail(dir.path()).args(["trails", "lint", "--format", "json", "a.txt", "b.csv"]).assert().code(7);
    let text = String::from_utf8(output.get_output().stdout.clone()).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["problem"], &lines[0]["read_as"]), (&"mended".into(), &"evil.com/a".into()));
    assert_eq!((&lines[1]["problem"], &lines[1]["first"]), (&"repeated".into(), &"a.txt:1".into()));
    assert_eq!((&lines[2]["problem"], &lines[2]["level"]), (&"private".into(), &"error".into()));
    assert_eq!((lines.len(), &lines[3]["errors"], &lines[3]["trails"]["URL"]), (4, &1.into(), &1.into()));
}

#[test]
fn how_it_ends() {
    let dir = directory();
    write(&dir, "fine.txt", "evil.com # mine\n");
    let lint = |path: &str| maltrail(dir.path()).args(["trails", "lint", path]).assert();
    lint("fine.txt").code(0).stdout(contains("1 file, 1 line: 0 errors, 0 warnings, 0 notes"));
    lint("missing.txt").code(1).stderr(contains("cannot read trails from missing.txt"));
    lint("--no-such").code(2);
    write(&dir, "maltrail.conf", "TRAILS_FILE none.csv\n");
    maltrail(dir.path()).args(["trails", "lint"]).assert().code(2).stderr(contains("set CUSTOM_TRAILS_DIR"));
}

#[test]
fn what_an_update_made_is_no_list_of_ones_own() {
    let dir = directory();
    std::fs::create_dir(dir.path().join("own")).unwrap();
    write(&dir, "own/a.txt", "evil.com\n1.2.3.0/30\n1.2.3.0/31\n1.2.3.2/31\n");
    write(&dir, "maltrail.conf", "CUSTOM_TRAILS_DIR own\nTRAILS_FILE t.bin\n");
    let told = "inert     1 can never be found";
    update(dir.path(), &["--offline"]).code(0).stdout(contains(told));
    let listed = std::fs::read_to_string(dir.path().join("t.inert.csv")).unwrap();
    assert!(listed.starts_with("1.2.3.0/30,covered,1.2.3.0/31 1.2.3.2/31,"), "{listed}");
    maltrail(dir.path())
        .args(["trails", "lint", "--level", "warning"])
        .assert()
        .code(7)
        .stdout(contains("1 file, 4 lines"))
        .stderr(contains("t.bin was made by an update").and(contains("t.inert.csv")));
}
