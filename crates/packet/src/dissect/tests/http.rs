//! HTTP/1 heads.

use proptest::prelude::*;
use proptest::sample::select;

use super::whole;

fn one(stream: &[u8]) -> String {
    let facts = whole(8080, stream);
    assert_eq!(facts.len(), 1, "{facts:?}");
    facts.into_iter().next().unwrap_or_default()
}

#[test]
fn plain_request() {
    let stream = b"GET /a?b=c HTTP/1.1\r\nHost: www.evil.example\r\nUser-Agent: tool/1\r\nAccept: */*\r\n\r\n";
    assert_eq!(one(stream), "request GET /a?b=c host=www.evil.example agent=tool/1");
}

#[test]
fn odd_but_read() {
    let cases: [(&[u8], &str); 15] = [
        (b"GET HTTP/1.1\r\nHost: a.b\r\n\r\n", "request GET  host=a.b agent="),
        (b"GET / HTTP/1.1\nhOST: a.b\n\n", "request GET / host=a.b agent="),
        (b"\r\n\r\nGET / HTTP/1.0\r\nHost:a.b\r\n\r\n", "request GET / host=a.b agent="),
        (b"GET / HTTP/1.1\r\nHost : \t a.b \r\n\r\n", "request GET / host=a.b agent="),
        (b"GET / HTTP/1.1\r\nHost:\r\n a.b\r\n\r\n", "request GET / host=a.b agent="),
        (b"GET / HTTP/1.1\r\nUser-Agent: x\r\n\ty\r\nHost: a.b\r\n\r\n", "request GET / host=a.b agent=x\\r\\n\\ty"),
        (b"RPC_IN_DATA /rpc HTTP/1.1\r\nHost: a.b\r\n\r\n", "request RPC_IN_DATA /rpc host=a.b agent="),
        (b"X-CUSTOM * HTTP/1.1\r\nHost: a.b\r\n\r\n", "request X-CUSTOM * host=a.b agent="),
        (b"get / http/1.1\r\nHost: a.b\r\n\r\n", "request get / host=a.b agent="),
        (b"GET /old\r\n", "request GET /old host= agent="),
        (b"GET /old\r\nHost: a.b\r\n\r\n", "request GET /old host=a.b agent="),
        (b"GET http://c.d/x HTTP/1.1\r\n\r\n", "request GET http://c.d/x host= agent="),
        (b"CONNECT c.d:443 HTTP/1.1\r\n\r\n", "request CONNECT c.d:443 host= agent="),
        (b"GET /with space HTTP/1.1\r\nno colon\r\nHost: a.b\r\n\r\n", "request GET /with space host=a.b agent="),
        (b"GET   /  HTTP/1.1\r\nHost: a.b\r\nHost: c.d\r\n\r\n", "request GET / host=a.b agent="),
    ];
    for (stream, expected) in cases {
        assert_eq!(one(stream), expected, "{}", stream.escape_ascii());
    }
}

#[test]
fn relatives_and_other_text_are_not_requests() {
    let streams: [&[u8]; 8] = [
        b"OPTIONS rtsp://a.b/c RTSP/1.0\r\nCSeq: 1\r\n\r\n",
        b"INVITE sip:a@b SIP/2.0\r\n\r\n",
        b"OPTIONS /x RTSP/1.0\r\n\r\n",
        b"USER anonymous\r\n",
        b"RETR /etc/passwd\r\n",
        b"PRIVMSG #chan :hello\r\n",
        b"ICY 200 OK\r\n\r\n",
        b"lorem ipsum dolor sit amet\r\n",
    ];
    for stream in streams {
        assert_eq!(whole(80, stream), [""; 0], "{}", stream.escape_ascii());
    }
}

#[test]
fn pipelined_requests_are_all_seen() {
    let stream = b"GET /1 HTTP/1.1\r\nHost: a.b\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a.b\r\nContent-Length: 3\r\n\r\nGETPUT /3 HTTP/1.1\r\nHost: c.d\r\n\r\n";
    assert_eq!(
        whole(80, stream),
        ["request GET /1 host=a.b agent=", "request POST /2 host=a.b agent=", "request PUT /3 host=c.d agent="]
    );
}

#[test]
fn a_request_behind_a_chunked_body() {
    let head = b"POST /1 HTTP/1.1\r\nContent-Length: 9\r\nTransfer-Encoding: gzip, chunked\r\n\r\n";
    let next = b"GET /2 HTTP/1.1\r\n\r\n";
    let expected = ["request POST /1 host= agent=", "request GET /2 host= agent="];
    for body in ["3\r\nabc\r\n0\r\n\r\n", "a;x=y\n0123456789\n0\nTrailer: x\n\n", "0\r\n\r\n"] {
        assert_eq!(whole(80, &[&head[..], body.as_bytes(), next].concat()), expected, "{body:?}");
    }
    for body in ["3\r\nabcd\r\n0\r\n\r\n", "zz\r\n\r\n", "ffffffffffffffff\r\n", "5\r\nab"] {
        assert_eq!(whole(80, &[&head[..], body.as_bytes(), next].concat()), expected[..1], "{body:?}");
    }
}

#[test]
fn length_of_a_method() {
    for (length, seen) in [(31, 1), (32, 1), (33, 0)] {
        let stream = [&vec![b'M'; length][..], b" / HTTP/1.1\r\n\r\n"].concat();
        assert_eq!(whole(80, &stream).len(), seen, "{length}");
    }
}

#[test]
fn line_ends_before_a_request() {
    for (count, seen) in [(7, 1), (8, 1), (9, 0)] {
        let stream = [&vec![b'\n'; count][..], b"GET / HTTP/1.1\r\n\r\n"].concat();
        assert_eq!(whole(80, &stream).len(), seen, "{count}");
    }
}

#[test]
fn responses() {
    let stream = b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhiHTTP/1.0 200\n\n";
    assert_eq!(whole(80, stream), ["response 404 text/html", "response 200 "]);
    for stream in [&b"HTTP/1.1 4040 x\r\n\r\n"[..], b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1\r\n\r\n"] {
        assert_eq!(whole(80, stream), [""; 0], "{}", stream.escape_ascii());
    }
}

/// Host and User-Agent of a head, read line after line.
fn described(head: &str) -> [String; 2] {
    let mut found = [String::new(), String::new()];
    let mut lines = head.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        let Some((name, first)) = line.split_once(':') else { continue };
        let name = name.trim().to_ascii_lowercase();
        let Some(place) = ["host", "user-agent"].iter().position(|wanted| *wanted == name) else {
            // Of other fields that are read only the continued lines are passed over.
            while ["content-type", "x-forwarded-for"].contains(&name.as_str())
                && lines.next_if(|line| continues(line)).is_some()
            {}
            continue;
        };
        let mut value = first.to_string();
        while let Some(more) = lines.next_if(|line| continues(line)) {
            value.push_str(more);
        }
        if found[place].is_empty() {
            found[place] = value.trim().to_string();
        }
    }
    found
}

fn continues(line: &str) -> bool {
    line.starts_with([' ', '\t']) && !line.trim().is_empty()
}

fn a_line() -> impl Strategy<Value = String> {
    let name = select(vec![
        "Host",
        "host",
        "HOST ",
        " Host",
        "User-Agent",
        "user-agent\t",
        "USER_AGENT",
        "Hos",
        "Hosts",
        "Content-Type",
        "X-Forwarded-For",
        "Content-Length-",
        "Cookie",
        "Accept",
        " ",
        "x",
    ]);
    let separator = select(vec![":", ": ", ":\t ", "", " "]);
    let end = select(vec!["\r\n", "\n", "\r\n more\r\n", "\n\t \n", "\n Host: z\n"]);
    (name, separator, "[a-z:. ]{0,40}", end)
        .prop_map(|(name, separator, value, end)| format!("{name}{separator}{value}{end}"))
}

proptest! {
    #[test]
    fn fields_are_those_of_the_lines(lines in proptest::collection::vec(a_line(), 0..12), cut in 0usize..2) {
        let head = lines.concat();
        let [host, agent] = described(&head);
        let stream = format!("GET / HTTP/1.1\r\n{head}{}", ["\r\n", "\n"][cut]);
        let escaped = |text: &str| text.as_bytes().escape_ascii().to_string();
        prop_assert_eq!(whole(8080, stream.as_bytes()), [format!("request GET / host={} agent={}", escaped(&host), escaped(&agent))]);
    }
}
