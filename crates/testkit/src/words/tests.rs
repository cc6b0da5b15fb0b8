use super::*;

fn one(text: &str) -> Recorded {
    let frames = packets(text).unwrap_or_else(|e| panic!("{text}: {e}"));
    assert_eq!(frames.len(), 1, "{text}");
    frames.into_iter().next().unwrap()
}

fn what(text: &str) -> String {
    packets(text).expect_err(text).to_string()
}

#[test]
fn a_line_is_the_frame_that_the_builder_makes() {
    let frame = one("10.0.0.5:40000 > 8.8.8.8:53 udp text a\\x00b\\r\\n");
    let built = Stack::ethernet().ip("10.0.0.5", "8.8.8.8").udp(40000, 53).payload(b"a\0b\r\n").frame();
    assert_eq!((frame.bytes, frame.time), (built.bytes, START));
    let six = one("{link=raw} [2001:db8::5]:1 > [2001:db8::6]:2 udp hex 01 02 ff");
    assert_eq!(six.bytes[48..], [1, 2, 0xff]);
}

#[test]
fn times_go_on_by_a_millisecond_or_as_told() {
    let text = "10.0.0.1 > 10.0.0.2 icmp echo\n{+0.5s} 10.0.0.1 > 10.0.0.2 icmp echo\n{at=20ms} 10.0.0.1 > 10.0.0.2 icmp echo\n\
                {flows=2 every=1s} 10.0.0.1:1 > 10.0.0.2:2 tcp syn";
    let times: Vec<i64> = packets(text).unwrap().iter().map(|f| f.time.since(START)).collect();
    assert_eq!(times, [0, 500_000, 20_000, 21_000, 1_021_000]);
}

#[test]
fn streams_are_cut_into_segments_that_follow_one_another() {
    let frames =
        packets("10.0.0.1:1 > 10.0.0.2:2 tcp syn\n{segment=3 order=2,1} 10.0.0.1:1 > 10.0.0.2:2 tcp text abcdef")
            .unwrap();
    let sequence = |f: &Recorded| u32::from_be_bytes(f.bytes[38..42].try_into().unwrap());
    assert_eq!(frames.iter().map(sequence).collect::<Vec<_>>(), [1000, 1004, 1001]);
    assert!(frames[1].bytes.ends_with(b"def"));
}

#[test]
fn dns_words_make_messages() {
    let frame = one(
        "10.0.0.5:1 > 8.8.8.8:53 udp dns response www.site.com A CNAME cdn.site.net, A 192.0.2.1, AAAA 2001:db8::1",
    );
    let message = simple_dns::Packet::parse(&frame.bytes[42..]).unwrap();
    let owners: Vec<String> = message.answers.iter().map(|a| a.name.to_string()).collect();
    assert_eq!(owners, ["www.site.com", "cdn.site.net", "cdn.site.net"]);
    let tcp = one("10.0.0.5:1 > 8.8.8.8:53 tcp dns query www.site.com HTTPS");
    assert_eq!(usize::from(tcp.bytes[55]), tcp.bytes.len() - 56);
    let refused = one("8.8.8.8:53 > 10.0.0.5:1 udp dns response no.site.com A rcode=3");
    assert_eq!(refused.bytes[45] & 15, 3);
}

#[test]
fn http_words_make_heads() {
    let frame = one("10.0.0.5:1 > 192.0.2.1:80 tcp http POST /x?a=b Host: site.com | User-Agent: a; b || c=d");
    assert!(frame.bytes.ends_with(b"POST /x?a=b HTTP/1.1\r\nHost: site.com\r\nUser-Agent: a; b\r\n\r\nc=d"));
    let two = one("10.0.0.5:1 > 192.0.2.1:80 tcp http GET /a - && http GET /b Host: x");
    assert!(two.bytes.ends_with(b"GET /a\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n"));
}

#[test]
fn tls_words_make_records() {
    let frame = one("10.0.0.5:1 > 192.0.2.1:443 tcp tls hello sni=www.site.com alpn=h2 records=50");
    assert_eq!(frame.bytes[54..59], [22, 3, 1, 0, 50]);
    assert!(what("10.0.0.5:1 > 192.0.2.1:443 tcp tls hello name=x").contains("\"name=x\" is none of sni="));
    let frame = one("192.0.2.1:443 > 10.0.0.5:1 tcp tls certificate cn=site.com san=a.site.com,b.site.com");
    assert!(frame.bytes.windows(10).any(|w| w == b"b.site.com"));
    let frame = one("10.0.0.5:1 > 192.0.2.1:443 udp dtls hello sni=www.site.com");
    assert_eq!(frame.bytes[42..45], [22, 0xfe, 0xfd]);
}

#[test]
fn quic_words_make_datagrams() {
    let frames = packets("10.0.0.5:1 > 192.0.2.1:443 udp quic hello sni=www.site.com version=2 datagrams=3").unwrap();
    assert_eq!(frames.len(), 3);
    assert!(frames.iter().all(|f| f.bytes.len() >= 42 + 1200));
    assert_eq!(frames[0].bytes[43..47], [0x6b, 0x33, 0x43, 0xcf]);
    let frame = one("10.0.0.5:1 > 192.0.2.1:443 udp gquic hello sni=www.site.com");
    assert!(frame.bytes.windows(12).any(|w| w == b"www.site.com"));
}

#[test]
fn every_link_layer_and_tunnel_has_words() {
    for link in ["ethernet", "snap", "sll", "sll2", "null", "null-be", "loop", "raw", "ppp", "wifi", "radiotap"] {
        one(&format!("{{link={link}}} 10.0.0.1:1 > 10.0.0.2:2 udp"));
    }
    for via in ["ip", "gre", "gre-full", "gre-ethernet", "erspan2", "erspan3", "vxlan", "geneve", "gtp", "l2tp"] {
        one(&format!("{{via={via}}} 10.0.0.1:1 > 10.0.0.2:2 udp"));
        one(&format!("{{via={via}6,ip}} [2001:db8::5]:1 > [2001:db8::6]:2 tcp syn"));
    }
    one("{via=teredo vlan=5} 2001:db8::5 > 2001:db8::6 icmp echo");
    one("{qinq=5.6 mpls=16.17} 10.0.0.1 > 10.0.0.2 proto 50 zeros 20");
    one("{ext=hop-by-hop,destination,routing} 2001:db8::5 > 2001:db8::6 icmp reply");
}

#[test]
fn errors_name_the_line_and_what_is_wrong() {
    assert_eq!(what("\n# fine\n10.0.0.1 > 10.0.0.2 udp"), "line 3: udp needs ports: ADDRESS:PORT > ADDRESS:PORT");
    assert_eq!(what("10.0.0.1 > 2001:db8::1 icmp echo"), "line 1: 10.0.0.1 and 2001:db8::1 are of two families");
    assert!(what("{vlan=x} 10.0.0.1 > 10.0.0.2 icmp echo").contains("\"x\" is no number"));
    assert!(what("{color=red} 10.0.0.1 > 10.0.0.2 icmp echo").contains("\"color\" is no option"));
    assert!(what("10.0.0.1:1 > 10.0.0.2:2 udp hex 0g").contains("'g' is no hex digit"));
    assert!(what("10.0.0.1:1 > 10.0.0.2:2 udp frob").contains("\"frob\" is no payload"));
    assert!(what("capture missing.pcap").contains("cannot read"));
    assert!(what("hello").contains("SOURCE > DESTINATION"));
}
