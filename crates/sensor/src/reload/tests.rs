use std::sync::atomic::AtomicUsize;

use super::*;

struct Bench {
    directory: tempfile::TempDir,
    trails: Arc<Trails>,
    reloader: Reloader,
    errors: Arc<AtomicUsize>,
    warnings: Arc<Mutex<Vec<String>>>,
    control: Control,
}

fn write(directory: &Path, count: usize) {
    let mut text = String::new();
    for n in 0..count {
        text.push_str(&format!("bad-{n}.org,testing (malware),(static)\n"));
    }
    let temporary = directory.join("trails.new");
    fs::write(&temporary, text).unwrap();
    fs::rename(temporary, directory.join("trails.csv")).unwrap();
}

impl Bench {
    fn new(count: usize, allow_empty: bool) -> Self {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), count);
        let file = directory.path().join("trails.csv");
        let trails = Arc::new(Trails::new(Arc::new(load(&file, directory.path()).unwrap())));
        let errors = Arc::new(AtomicUsize::new(0));
        let counted = errors.clone();
        let warnings = Arc::new(Mutex::new(Vec::new()));
        let warned = warnings.clone();
        let message: MessageHook = Arc::new(move |level, text| {
            if level == Level::Error {
                counted.fetch_add(1, Ordering::Relaxed);
            } else if level == Level::Warning {
                warned.lock().unwrap().push(text.to_owned());
            }
        });
        let control = Control::default();
        let rules = Rules { allow_empty, ..Rules::plain(&file, directory.path()) };
        let reloader = Reloader::new(rules, trails.clone(), control.clone(), message);
        Bench { directory, trails, reloader, errors, warnings, control }
    }

    /// Looks until nothing is under way.
    fn settle(&mut self) {
        self.reloader.look();
        self.reloader.look();
        while let Some(job) = self.reloader.job.take() {
            let loaded = job.join().unwrap();
            self.reloader.judge(loaded);
            self.reloader.look();
        }
    }

    fn state(&self) -> (usize, u64, u64, usize) {
        let trails = &self.trails;
        (trails.store().len(), trails.generation(), trails.refused(), self.errors.load(Ordering::Relaxed))
    }
}

#[test]
fn a_changed_file_is_taken() {
    let mut bench = Bench::new(10, false);
    bench.settle();
    assert_eq!(bench.state(), (10, 1, 0, 0), "nothing changed");
    let mut generation = bench.trails.generation();
    assert!(bench.trails.newer(&mut generation).is_none());
    write(bench.directory.path(), 12);
    bench.settle();
    assert_eq!(bench.state(), (12, 2, 0, 0));
    assert_eq!(bench.trails.newer(&mut generation).unwrap().len(), 12);
    assert!(bench.trails.newer(&mut generation).is_none(), "once");
}

#[test]
fn a_file_still_being_written_is_left_alone() {
    let mut bench = Bench::new(10, false);
    write(bench.directory.path(), 11);
    bench.reloader.look();
    assert!(bench.reloader.job.is_none());
    bench.reloader.look();
    assert!(bench.reloader.job.is_some());
}

#[test]
fn a_request_reloads_without_a_change() {
    let mut bench = Bench::new(10, false);
    bench.control.reload();
    bench.settle();
    assert_eq!(bench.state(), (10, 2, 0, 0));
}

#[test]
fn shrunken_sets_are_refused_loudly() {
    let mut bench = Bench::new(10, false);
    write(bench.directory.path(), 4);
    bench.settle();
    assert_eq!(bench.state(), (10, 1, 1, 1), "below the ratio");
    write(bench.directory.path(), 5);
    bench.settle();
    assert_eq!(bench.state(), (5, 2, 1, 1), "at the ratio");
}

#[test]
fn empty_sets_are_refused_unless_allowed() {
    let mut bench = Bench::new(3, false);
    write(bench.directory.path(), 0);
    bench.settle();
    assert_eq!(bench.state(), (3, 1, 1, 1));
    let mut bench = Bench::new(3, true);
    bench.reloader.rules.min_ratio = 0.0;
    write(bench.directory.path(), 0);
    bench.settle();
    assert_eq!(bench.state(), (0, 2, 0, 0));
}

#[test]
fn a_missing_file_keeps_the_old_set() {
    let mut bench = Bench::new(3, false);
    fs::remove_file(bench.directory.path().join("trails.csv")).unwrap();
    bench.settle();
    assert_eq!(bench.state(), (3, 1, 0, 0), "a file that is being replaced is waited for");
    bench.control.reload();
    bench.settle();
    assert_eq!(bench.state(), (3, 1, 1, 1), "asked for, it is an error");
}

#[test]
fn a_build_that_fails_keeps_the_old_set() {
    let mut bench = Bench::new(3, false);
    bench.reloader.rules.build = Some(vec!["false".into()]);
    write(bench.directory.path(), 4);
    bench.settle();
    assert_eq!(bench.state(), (3, 1, 1, 1));
    bench.reloader.rules.build = Some(vec!["true".into()]);
    bench.control.reload();
    bench.settle();
    assert_eq!(bench.state(), (4, 2, 1, 1));
    bench.reloader.rules.build = Some(vec!["false".into()]);
    bench.control.reload();
    bench.settle();
    assert_eq!(bench.state(), (4, 3, 1, 1), "a store that is up to date is not built again");
}

#[test]
fn lines_that_are_no_trails_are_told_and_counted() {
    let garbage = "a.org,x,y\n192.0.2.1:99999,x,y\n300.1.2.3,\x1b[2J,y\nb.org,x,y\n192.0.2.1:99998,x,y\n";
    for (build, text) in [
        (
            None,
            "3 lines of FILE are no trails and were left out: 1 not an IP address (line 3); 2 not a port (line 2, line 5)",
        ),
        // What a child says of what it built.
        (
            Some("echo 7 not a port '(line 2, line 5, ...)'; echo; echo x"),
            "7 lines of FILE are no trails and were left out: 7 not a port (line 2, line 5, ...)",
        ),
    ] {
        let mut bench = Bench::new(3, false);
        bench.reloader.rules.build = build.map(|script| ["sh", "-c", script].map(OsString::from).into());
        let file = bench.directory.path().join("trails.csv");
        fs::write(&file, garbage).unwrap();
        bench.control.reload();
        bench.settle();
        let warnings = bench.warnings.lock().unwrap().clone();
        assert_eq!(warnings, [text.replace("FILE", &file.display().to_string())]);
        assert_eq!(bench.state(), (2, 2, 0, 0));
        assert_eq!(bench.trails.refused_lines(), if build.is_some() { 7 } else { 3 });
        write(bench.directory.path(), 3);
        bench.reloader.rules.build = None;
        bench.settle();
        assert_eq!((bench.warnings.lock().unwrap().len(), bench.trails.refused_lines()), (1, 0), "a clean set");
    }
}
