//! HTTP/1 heads (RFC 9112), as clients and servers send them.

/// A request head with CRLF line ends; `headers` are whole lines.
#[must_use]
pub fn request(method: &str, target: &str, version: &str, headers: &[&str], body: &str) -> Vec<u8> {
    head(&format!("{method} {target} {version}"), headers, body)
}

/// A response head; `Content-Length` is not added by itself.
#[must_use]
pub fn response(status: u16, headers: &[&str], body: &str) -> Vec<u8> {
    head(&format!("HTTP/1.1 {status} {}", reason(status)), headers, body)
}

fn head(first: &str, headers: &[&str], body: &str) -> Vec<u8> {
    let mut out = format!("{}\r\n", first.trim_end());
    for header in headers {
        out.push_str(header);
        out.push_str("\r\n");
    }
    out.push_str("\r\n");
    out.push_str(body);
    out.into_bytes()
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        301 => "Moved Permanently",
        302 => "Found",
        404 => "Not Found",
        _ => "Status",
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn heads_end_with_an_empty_line() {
        let bytes = super::request("GET", "/x", "HTTP/1.1", &["Host: site.com"], "body");
        assert_eq!(bytes, b"GET /x HTTP/1.1\r\nHost: site.com\r\n\r\nbody");
        assert_eq!(super::request("GET", "/", "", &[], ""), b"GET /\r\n\r\n");
        assert!(super::response(404, &[], "").starts_with(b"HTTP/1.1 404 Not Found\r\n"));
    }
}
