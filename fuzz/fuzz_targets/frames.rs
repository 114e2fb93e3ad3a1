//! What strangers send, in every wire version: each message of a frame is a request, or an error that can be written.
#![no_main]

use hapticd::buttplug::{ClientState, ReplyForm, ServerMessage, frame, handshake, versions};
use hapticd::types::Descriptions;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for version in 0..=4 {
        let Some(codec) = versions::for_version(version) else { panic!("version {version} is gone") };
        let elements = frame::split(text);
        assert!(!elements.is_empty(), "no answer");
        for element in elements {
            let read = element.and_then(|element| {
                let _ = handshake::read(element.body.clone());
                let id = element.id;
                let read = codec.read(element, &mut ClientState::default(), &Descriptions::new());
                read.map(drop).map_err(|error| (id, error))
            });
            if let Err((id, error)) = read {
                let answer = codec.write(&ReplyForm::new(id, ""), &ServerMessage::Error(error));
                assert!(answer.is_some_and(|answer| answer.len() > 10), "an error has no words");
            }
        }
    }
});
