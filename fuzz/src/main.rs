#![no_main]
use packet::{Dissector, Fact, Flow, Frame, Limits, LinkType, Micros, Sink};
struct Nothing;
impl Sink for Nothing { fn fact(&mut self, _: &Flow, _: Fact<'_>) {} }
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if data.len() > 3 && data[0] == b'x' && data[1] == b'y' && data[2] == b'z' { panic!("found"); }
    let mut d = Dissector::new(&Limits::default(), 1);
    d.frame(&Frame { time: Micros(0), link: LinkType(1), bytes: data }, &mut Nothing);
});
