//! Which row groups may have rows that match, by their bloom filters and the range of their times.

use jiff::Timestamp;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder};
use parquet::bloom_filter::Sbbf;
use parquet::errors::ParquetError;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::statistics::Statistics;

use super::blocks::Checked;
use super::columns::Column;
use super::encode::nanoseconds;
use super::mask::Test;
use crate::store::Filter;
use crate::store::filter::fold;

/// What a row group's times are to a query's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overlap {
    None,
    Some,
    All,
}

/// How the times of a row group lie to `from..to`.
pub(super) fn overlap(group: &RowGroupMetaData, from: Timestamp, to: Timestamp) -> Overlap {
    let statistics = group.columns().get(Column::Time.place()).and_then(|column| column.statistics());
    let Some(Statistics::Int64(times)) = statistics else { return Overlap::Some };
    let (Some(first), Some(last)) = (times.min_opt().copied(), times.max_opt().copied()) else { return Overlap::Some };
    let (from, to) = (nanoseconds(from), nanoseconds(to));
    if last < from || first > to {
        return Overlap::None;
    }
    // The ends stand for what lies beyond.
    if first > from && last < to { Overlap::All } else { Overlap::Some }
}

/// Whether a row group may have a row that matches.
pub(super) fn may_match(
    checked: &Checked,
    footer: &ArrowReaderMetadata,
    group: usize,
    test: &Test,
) -> Result<bool, ParquetError> {
    // Rows of custom trails show other texts than they have.
    if test.masked {
        return Ok(true);
    }
    let blooms = Blooms {
        builder: ParquetRecordBatchReaderBuilder::new_with_metadata(checked.clone(), footer.clone()),
        group,
        limited: test.limited,
    };
    blooms.may(&test.filter)
}

struct Blooms {
    builder: ParquetRecordBatchReaderBuilder<Checked>,
    group: usize,
    limited: bool,
}

impl Blooms {
    fn may(&self, filter: &Filter) -> Result<bool, ParquetError> {
        Ok(match filter {
            Filter::All | Filter::Not(_) | Filter::Text(_) => true,
            Filter::Has(..) | Filter::Kind(_) | Filter::Severity(_) => true,
            // With fewer sources an event may be another threat's.
            Filter::Threat(_) | Filter::Threats(_) if self.limited => true,
            Filter::Threats(ids) => {
                self.any(&[Column::Threat], |bloom| ids.iter().any(|id| bloom.check(&id.0.cast_signed())))?
            }
            Filter::Threat(id) => self.any(&[Column::Threat], |bloom| bloom.check(&id.0.cast_signed()))?,
            Filter::Net(net) | Filter::Source(net) | Filter::Destination(net)
                if net.prefix_len() == net.max_prefix_len() =>
            {
                let address = net.addr().to_canonical().to_string();
                let columns = [Column::Src, Column::Dst, Column::Indicator, Column::Keys];
                self.any(&columns, |bloom| bloom.check(address.as_str()))?
            }
            Filter::Net(_) | Filter::Source(_) | Filter::Destination(_) => true,
            Filter::Indicator(name) => {
                let name = fold(name);
                self.any(&[Column::Indicator, Column::Keys], |bloom| bloom.check(name.as_ref()))?
            }
            Filter::And(all) => {
                for filter in all {
                    if !self.may(filter)? {
                        return Ok(false);
                    }
                }
                true
            }
            Filter::Or(any) => {
                for filter in any {
                    if self.may(filter)? {
                        return Ok(true);
                    }
                }
                false
            }
        })
    }

    fn any(&self, columns: &[Column], holds: impl Fn(&Sbbf) -> bool) -> Result<bool, ParquetError> {
        for column in columns {
            let bloom = self.builder.get_row_group_column_bloom_filter(self.group, column.place())?;
            if bloom.is_none_or(|bloom| holds(&bloom)) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
