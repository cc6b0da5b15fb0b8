//! HTTP/1 heads (RFC 9112), read as leniently as servers and malware do.

/// A request head. Values are as sent, without surrounding white space; absent ones are empty.
#[derive(Clone, Copy, Debug)]
pub struct HttpRequest<'a> {
    /// Method.
    pub method: &'a [u8],
    /// Request target as it stands in the request line (origin, absolute or authority form).
    pub target: &'a [u8],
    /// Host header, with its port if it has one.
    pub host: &'a [u8],
    /// User-Agent.
    pub user_agent: &'a [u8],
    /// X-Forwarded-For, CF-Connecting-IP, True-Client-IP, in this order; empty where absent.
    pub forwarded_for: [&'a [u8]; 3],
    /// The whole head, request line included.
    pub head: &'a [u8],
    /// What of the body came with the head.
    pub body: &'a [u8],
}

/// A response head.
#[derive(Clone, Copy, Debug)]
pub struct HttpResponse<'a> {
    /// Status code.
    pub status: u16,
    /// Content-Type.
    pub content_type: &'a [u8],
    /// Server.
    pub server: &'a [u8],
    /// Location.
    pub location: &'a [u8],
    /// The whole head, status line included.
    pub head: &'a [u8],
    /// What of the body came with the head.
    pub body: &'a [u8],
}
