//! A growing array in pages: it never moves what it holds, so that growing does not need twice the memory.

/// Elements of a page; a power of two, so that blocks of a power of two never cross pages.
const PAGE: usize = 1 << 14;

#[derive(Clone, Debug)]
pub(super) struct Paged<T> {
    pages: Vec<Vec<T>>,
}

impl<T> Default for Paged<T> {
    fn default() -> Paged<T> {
        Paged { pages: Vec::new() }
    }
}

impl<T: Clone> Paged<T> {
    pub(super) fn len(&self) -> usize {
        self.pages.last().map_or(0, |last| (self.pages.len() - 1) * PAGE + last.len())
    }

    pub(super) fn push(&mut self, value: T) {
        self.page_with_room().push(value);
    }

    /// Appends a block of a power of two of at most a page.
    pub(super) fn push_block(&mut self, value: T, block: usize) {
        let page = self.page_with_room();
        page.resize(page.len() + block, value);
    }

    fn page_with_room(&mut self) -> &mut Vec<T> {
        if self.pages.last().is_none_or(|page| page.len() == PAGE) {
            // The first page grows as any vector does: most folds of one hour are small.
            let room = if self.pages.is_empty() { 0 } else { PAGE };
            self.pages.push(Vec::with_capacity(room));
        }
        let last = self.pages.len() - 1;
        // The page was just made where there was none.
        #[allow(clippy::indexing_slicing)]
        &mut self.pages[last]
    }

    pub(super) fn get(&self, at: usize) -> Option<&T> {
        self.pages.get(at / PAGE)?.get(at % PAGE)
    }

    pub(super) fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        self.pages.get_mut(at / PAGE)?.get_mut(at % PAGE)
    }

    /// The block that begins at `at`, which [`Paged::push_block`] made.
    pub(super) fn block(&self, at: usize, block: usize) -> &[T] {
        let within = at % PAGE;
        self.pages.get(at / PAGE).and_then(|page| page.get(within..within + block)).unwrap_or_default()
    }

    pub(super) fn block_mut(&mut self, at: usize, block: usize) -> &mut [T] {
        let within = at % PAGE;
        self.pages.get_mut(at / PAGE).and_then(|page| page.get_mut(within..within + block)).unwrap_or_default()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.pages.iter().flatten()
    }
}
