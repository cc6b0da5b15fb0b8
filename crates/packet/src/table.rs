//! What bounded tables say of themselves, for metrics and summaries.

/// One bounded table, or all tables of that name together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableUsage {
    /// Its name in metrics.
    pub name: &'static str,
    /// What it holds.
    pub entries: u64,
    /// Memory of that, bytes.
    pub bytes: u64,
    /// Where it refuses more, or where old entries go.
    pub limit: TableLimit,
    /// What found no room so far.
    pub refused: u64,
}

/// How much a table may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableLimit {
    /// So many entries.
    Entries(u64),
    /// So many bytes.
    Bytes(u64),
}

impl TableLimit {
    /// Room for nothing, in the same unit: of a table that is gone.
    #[must_use]
    pub fn none(self) -> TableLimit {
        match self {
            TableLimit::Entries(_) => TableLimit::Entries(0),
            TableLimit::Bytes(_) => TableLimit::Bytes(0),
        }
    }
}

impl TableUsage {
    /// Adds another table of the same name, as that of another worker.
    pub fn add(&mut self, other: &TableUsage) {
        self.entries += other.entries;
        self.bytes += other.bytes;
        self.refused += other.refused;
        match (&mut self.limit, other.limit) {
            (TableLimit::Entries(mine), TableLimit::Entries(more))
            | (TableLimit::Bytes(mine), TableLimit::Bytes(more)) => *mine = mine.saturating_add(more),
            _ => {}
        }
    }

    /// Adds tables to those of the same names, and those of new names behind them.
    pub fn add_all(all: &mut Vec<TableUsage>, more: impl IntoIterator<Item = TableUsage>) {
        for table in more {
            match all.iter_mut().find(|known| known.name == table.name) {
                Some(known) => known.add(&table),
                None => all.push(table),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &'static str, entries: u64, limit: TableLimit) -> TableUsage {
        TableUsage { name, entries, bytes: 10 * entries, limit, refused: 1 }
    }

    #[test]
    fn tables_of_one_name_are_one() {
        let mut all = vec![table("a", 1, TableLimit::Entries(u64::MAX))];
        let more = [table("b", 2, TableLimit::Bytes(5)), table("a", 3, TableLimit::Entries(9))];
        TableUsage::add_all(&mut all, more);
        let a = TableUsage { name: "a", entries: 4, bytes: 40, limit: TableLimit::Entries(u64::MAX), refused: 2 };
        assert_eq!(all, [a, table("b", 2, TableLimit::Bytes(5))]);
    }
}
