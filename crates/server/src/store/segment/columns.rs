//! The columns of a segment.
//!
//! Plain scalars, so that any Parquet reader makes sense of them; what scalars cannot hold stands as JSON in
//! `context`, `reasons` and `rest`. `keys` holds further values by which a row is found, for its bloom filter.

use std::sync::{Arc, LazyLock};

use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

/// Version of the columns' meaning, in every file.
pub(in crate::store) const FORMAT: u32 = 1;

/// The columns, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Id,
    Time,
    Last,
    Site,
    Sensor,
    Src,
    SrcPort,
    Dst,
    DstPort,
    Protocol,
    Kind,
    Observed,
    MatchStart,
    MatchEnd,
    Indicator,
    Info,
    Reference,
    Class,
    Severity,
    Confidence,
    Count,
    Threat,
    Batch,
    Line,
    Context,
    Reasons,
    Rest,
    Keys,
}

impl Column {
    pub(super) const ALL: [Column; 28] = [
        Column::Id,
        Column::Time,
        Column::Last,
        Column::Site,
        Column::Sensor,
        Column::Src,
        Column::SrcPort,
        Column::Dst,
        Column::DstPort,
        Column::Protocol,
        Column::Kind,
        Column::Observed,
        Column::MatchStart,
        Column::MatchEnd,
        Column::Indicator,
        Column::Info,
        Column::Reference,
        Column::Class,
        Column::Severity,
        Column::Confidence,
        Column::Count,
        Column::Threat,
        Column::Batch,
        Column::Line,
        Column::Context,
        Column::Reasons,
        Column::Rest,
        Column::Keys,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Column::Id => "id",
            Column::Time => "time",
            Column::Last => "last",
            Column::Site => "site",
            Column::Sensor => "sensor",
            Column::Src => "src",
            Column::SrcPort => "src_port",
            Column::Dst => "dst",
            Column::DstPort => "dst_port",
            Column::Protocol => "protocol",
            Column::Kind => "kind",
            Column::Observed => "observed",
            Column::MatchStart => "match_start",
            Column::MatchEnd => "match_end",
            Column::Indicator => "indicator",
            Column::Info => "info",
            Column::Reference => "reference",
            Column::Class => "class",
            Column::Severity => "severity",
            Column::Confidence => "confidence",
            Column::Count => "count",
            Column::Threat => "threat",
            Column::Batch => "batch",
            Column::Line => "line",
            Column::Context => "context",
            Column::Reasons => "reasons",
            Column::Rest => "rest",
            Column::Keys => "keys",
        }
    }

    /// Path of its leaf in a Parquet schema.
    pub(super) fn path(self) -> Vec<String> {
        match self {
            Column::Keys => ["keys", "list", "element"].map(str::to_owned).to_vec(),
            other => vec![other.name().to_owned()],
        }
    }

    /// Place among the leaves.
    pub(super) fn place(self) -> usize {
        self as usize
    }

    /// Whether folding into threats looks at it.
    pub(super) fn folds(self) -> bool {
        use Column::{Batch, Context, Id, Keys, Line, Reasons, Threat};
        !matches!(self, Id | Threat | Batch | Line | Context | Reasons | Keys)
    }

    /// Whether a digest of rows looks at it: `keys` follow from the others.
    pub(super) fn digested(self) -> bool {
        self != Column::Keys
    }

    fn nullable(self) -> bool {
        use Column::{Context, Dst, DstPort, Line, MatchEnd, MatchStart, Reasons, Rest, Src, SrcPort};
        matches!(self, Src | SrcPort | Dst | DstPort | MatchStart | MatchEnd | Line | Context | Reasons | Rest)
    }

    /// Texts that repeat: read as dictionaries, looked at once for each value.
    fn repeats(self) -> bool {
        use Column::{Batch, Class, Dst, Indicator, Info, Kind, Observed, Reference, Sensor, Severity, Site, Src};
        matches!(
            self,
            Site | Sensor | Src | Dst | Kind | Observed | Indicator | Info | Reference | Class | Severity | Batch
        )
    }

    fn data_type(self) -> DataType {
        match self {
            Column::Time | Column::Last => DataType::Timestamp(TimeUnit::Nanosecond, Some(Arc::from("UTC"))),
            Column::SrcPort | Column::DstPort => DataType::UInt16,
            Column::Protocol | Column::Confidence => DataType::UInt8,
            Column::MatchStart | Column::MatchEnd => DataType::UInt32,
            Column::Count | Column::Threat => DataType::UInt64,
            Column::Keys => DataType::List(element()),
            _ => DataType::Utf8,
        }
    }
}

/// The field of an element of `keys`.
pub(super) fn element() -> Arc<Field> {
    Arc::new(Field::new("element", DataType::Utf8, false))
}

/// As it is written.
pub(super) static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let fields = Column::ALL.map(|column| Field::new(column.name(), column.data_type(), column.nullable()));
    Arc::new(Schema::new(Fields::from(fields.to_vec())))
});

/// As it is read: texts that repeat as dictionaries.
pub(super) static READ_SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let fields = Column::ALL.map(|column| {
        let kind = if column.repeats() {
            DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
        } else {
            column.data_type()
        };
        Field::new(column.name(), kind, column.nullable())
    });
    Arc::new(Schema::new(Fields::from(fields.to_vec())))
});
