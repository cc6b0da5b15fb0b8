//! The filter of a replay (`--filter`): libpcap's compiler, applied to frames of files.

use ::packet::{Frame, LinkType};
use pcap::{BpfProgram, Capture, Linktype};

use crate::SensorError;

/// Link types that one stream may bring before the filter is compiled anew for each change.
const MAX_PROGRAMS: usize = 64;

/// One expression, compiled for every link type that comes along.
pub(crate) struct FileFilter {
    expression: String,
    programs: Vec<(LinkType, Option<BpfProgram>)>,
}

impl FileFilter {
    /// Checks the expression by compiling it for Ethernet.
    pub(crate) fn new(expression: &str) -> Result<Self, SensorError> {
        let program = compile(expression, LinkType(1))
            .map_err(|e| SensorError::Filter { filter: expression.into(), what: e.to_string() })?;
        Ok(FileFilter { expression: expression.into(), programs: vec![(LinkType(1), Some(program))] })
    }

    /// Whether a frame passes. One of a link type that the expression cannot be compiled for does.
    pub(crate) fn passes(&mut self, frame: &Frame<'_>) -> bool {
        if !self.programs.iter().any(|(link, _)| *link == frame.link) {
            if self.programs.len() >= MAX_PROGRAMS {
                self.programs.truncate(1);
            }
            self.programs.push((frame.link, compile(&self.expression, frame.link).ok()));
        }
        let program = self.programs.iter().find(|(link, _)| *link == frame.link);
        program.and_then(|(_, program)| program.as_ref()).is_none_or(|program| program.filter(frame.bytes))
    }
}

fn compile(expression: &str, link: LinkType) -> Result<BpfProgram, pcap::Error> {
    Capture::dead(Linktype(dlt(link)))?.compile(expression, true)
}

/// libpcap's number on this platform for a link type of a file.
fn dlt(link: LinkType) -> i32 {
    match link.0 {
        100 => 11,
        101 => 12,
        other => i32::from(other),
    }
}
