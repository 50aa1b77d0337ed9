//! Any text is a URI of CoAP or is refused at a byte inside it; what is one goes into options, and the URI that is
//! composed from them is equivalent and goes into the same options.
#![no_main]

use core::net::SocketAddr;

use dunlin_coap::uri::{Destination, Host, RequestUri, Uri};
use dunlin_coap::{Code, Message, MessageBuilder, MessageId, Token, Type};
use libfuzzer_sys::fuzz_target;

/// A request for the URI, to a place that is not in it.
fn request<'b>(uri: &Uri<'_>, destination: &Destination<'_>, buffer: &'b mut [u8]) -> Message<'b> {
    let token = Token::EMPTY;
    let mut builder =
        MessageBuilder::new(buffer, Type::Confirmable, Code::GET, MessageId(1), token);
    uri.write_options(&mut builder, destination);
    let bytes = builder.finish().expect("options in their order");
    Message::parse(bytes).expect("what was built")
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = core::str::from_utf8(data) else {
        return;
    };
    let uri = match Uri::parse(text) {
        Ok(uri) => uri,
        Err(error) => {
            assert!(text.is_char_boundary(error.position), "{error}");
            return;
        }
    };
    assert!(uri.path().all(|segment| segment != "." && segment != ".."));
    let elsewhere = Destination::from(SocketAddr::from(([192, 0, 2, 255], 1)));
    let mut buffer = vec![0; text.len() * 4 + 64];
    let message = request(&uri, &elsewhere, &mut buffer);
    if matches!(uri.host(), Host::Ipv6 { zone: Some(_), .. }) {
        // The zone is not sent.
        return;
    }
    // A host that is percent-encoded may be none that a URI can have.
    let Ok(composed) = RequestUri::of(&message, uri.scheme(), &elsewhere) else {
        assert!(uri.authority().contains('%'));
        return;
    };
    let composed = composed.to_string();
    let again = Uri::parse(&composed).expect("composed");
    let mut buffer = vec![0; composed.len() * 4 + 64];
    let repeated = request(&again, &elsewhere, &mut buffer);
    if !uri.authority().contains('%') {
        assert!(message.options().eq(repeated.options()), "{composed}");
        assert!(uri.is_equivalent(&again), "{composed}");
    }
});
