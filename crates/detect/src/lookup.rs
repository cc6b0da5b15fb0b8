//! What the matcher asks of a set of trails.
//!
//! The finished [`Store`] answers in production; tests answer from a plain list, which also serves as the store's
//! oracle. The methods are those of [`Store`], where they are described.

use std::net::IpAddr;

use trails::{Hashed, Hit, Label, LabelId, Store};

/// A set of trails.
#[allow(missing_docs)] // The same as the store's.
pub trait Lookup {
    fn label(&self, id: LabelId) -> Label<'_>;
    fn may_hold_name(&self, name: &[u8]) -> bool;
    fn name(&self, name: &[u8], hits: &mut [Hit; 8]) -> usize;
    fn pattern(&self, name: &[u8]) -> Option<LabelId>;
    fn may_hold_urls_of(&self, host: Hashed<'_>) -> bool;
    fn url_at(&self, host: Hashed<'_>, path: Hashed<'_>) -> Option<LabelId>;
    fn may_hold_path(&self, text: &[u8], start: usize) -> bool;
    fn may_hold_address(&self, address: IpAddr) -> bool;
    fn address(&self, address: IpAddr) -> Option<LabelId>;
    fn endpoint(&self, address: IpAddr, port: u16) -> Option<LabelId>;
    fn network(&self, address: IpAddr) -> Option<(u8, LabelId)>;
    fn has_certificates(&self) -> bool;
    fn certificate(&self, sha1: &[u8; 20]) -> Option<LabelId>;
    fn has_ja3(&self) -> bool;
    fn ja3(&self, md5: &[u8; 16]) -> Option<LabelId>;
    fn has_ja4(&self) -> bool;
    fn ja4(&self, text: &[u8; 36]) -> Option<LabelId>;
}

impl<D: AsRef<[u8]>> Lookup for Store<D> {
    fn label(&self, id: LabelId) -> Label<'_> {
        self.label(id)
    }
    #[inline]
    fn may_hold_name(&self, name: &[u8]) -> bool {
        self.may_hold_name(name)
    }
    fn name(&self, name: &[u8], hits: &mut [Hit; 8]) -> usize {
        self.name(name, hits)
    }
    fn pattern(&self, name: &[u8]) -> Option<LabelId> {
        self.pattern(name)
    }
    fn may_hold_urls_of(&self, host: Hashed<'_>) -> bool {
        self.may_hold_urls_of(host)
    }
    #[inline]
    fn url_at(&self, host: Hashed<'_>, path: Hashed<'_>) -> Option<LabelId> {
        self.url_at(host, path)
    }
    #[inline]
    fn may_hold_path(&self, text: &[u8], start: usize) -> bool {
        self.may_hold_path(text, start)
    }
    #[inline]
    fn may_hold_address(&self, address: IpAddr) -> bool {
        self.may_hold_address(address)
    }
    fn address(&self, address: IpAddr) -> Option<LabelId> {
        self.address(address)
    }
    fn endpoint(&self, address: IpAddr, port: u16) -> Option<LabelId> {
        self.endpoint(address, port)
    }
    fn network(&self, address: IpAddr) -> Option<(u8, LabelId)> {
        self.network(address)
    }
    fn has_certificates(&self) -> bool {
        self.has_certificates()
    }
    fn certificate(&self, sha1: &[u8; 20]) -> Option<LabelId> {
        self.certificate(sha1)
    }
    fn has_ja3(&self) -> bool {
        self.has_ja3()
    }
    fn ja3(&self, md5: &[u8; 16]) -> Option<LabelId> {
        self.ja3(md5)
    }
    fn has_ja4(&self) -> bool {
        self.has_ja4()
    }
    fn ja4(&self, text: &[u8; 36]) -> Option<LabelId> {
        self.ja4(text)
    }
}
