//! The frames with device lists: each is written once, whoever gets it, and many large ones are spread over time.
//!
//! A list of hundreds of devices is more than 100 KB of text, and every change of it goes to every session.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytestring::ByteString;
use tokio::time::Instant;

use crate::buttplug::{Codec, ReplyForm, ServerMessage};
use crate::types::Descriptions;

/// Frames that are kept: a few for each wire version.
const KEPT: usize = 16;
/// Bytes of lists that all sessions together may be sent in a second without their asking.
const BYTES_PER_SECOND: f64 = 64.0 * 1024.0 * 1024.0;
/// How far ahead of that rate they may be: 8 MiB, such as 20 sessions with 1,000 devices.
const AHEAD: Duration = Duration::from_millis(125);

/// What the sessions of one server share of their lists. Copies share it.
#[derive(Debug, Clone, Default)]
pub struct DeviceLists {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Oldest first.
    written: VecDeque<Written>,
    /// When the rate allows the next list, had none gone ahead of it.
    next: Option<Instant>,
}

#[derive(Debug)]
struct Written {
    version: u32,
    what: What,
    frames: Arc<[ByteString]>,
}

/// What frames say. It keeps the snapshots alive, so that no other can take their address.
#[derive(Debug)]
enum What {
    /// Every device, in this form.
    Whole(ReplyForm, Arc<Descriptions>),
    /// The change from the first to the second.
    Change(Arc<Descriptions>, Arc<Descriptions>),
}

impl PartialEq for What {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Whole(form, all), Self::Whole(other_form, other)) => form == other_form && Arc::ptr_eq(all, other),
            (Self::Change(before, after), Self::Change(other_before, other)) => {
                Arc::ptr_eq(before, other_before) && Arc::ptr_eq(after, other)
            }
            (Self::Whole(..), Self::Change(..)) | (Self::Change(..), Self::Whole(..)) => false,
        }
    }
}

impl DeviceLists {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The frame with all devices in this form; `None` when the version has no word for it.
    #[must_use]
    pub fn whole(&self, codec: &dyn Codec, form: &ReplyForm, devices: &Arc<Descriptions>) -> Option<ByteString> {
        let event = form.event();
        let message = || ServerMessage::DeviceList(Arc::clone(devices));
        let frames = self.frames(codec, What::Whole(event, Arc::clone(devices)), || {
            codec.write(&event, &message()).into_iter().map(ByteString::from).collect()
        });
        let frame = frames.first()?;
        if form.id() == 0 {
            return Some(frame.clone());
        }
        // Every version begins the message with its id.
        match frame.strip_prefix("[{\"DeviceList\":{\"Id\":0") {
            Some(rest) if rest.starts_with([',', '}']) => {
                Some(format!("[{{\"DeviceList\":{{\"Id\":{}{rest}", form.id()).into())
            }
            _ => codec.write(form, &message()).map(ByteString::from),
        }
    }

    /// The frames that tell that the devices were `before` and are `after`.
    #[must_use]
    pub fn changed(
        &self,
        codec: &dyn Codec,
        before: &Arc<Descriptions>,
        after: &Arc<Descriptions>,
    ) -> Arc<[ByteString]> {
        self.frames(codec, What::Change(Arc::clone(before), Arc::clone(after)), || {
            codec.devices_changed(before, after).into_iter().map(ByteString::from).collect()
        })
    }

    /// Reserves the sending of frames of a change. Returns how long to wait with it.
    #[must_use]
    pub fn reserve(&self, frames: &[ByteString]) -> Duration {
        let bytes: usize = frames.iter().map(|frame| frame.len()).sum();
        #[expect(clippy::cast_precision_loss, reason = "no frame comes near 2^52 bytes")]
        let takes = Duration::from_secs_f64(bytes as f64 / BYTES_PER_SECOND);
        let mut inner = self.inner();
        let now = Instant::now();
        let begins = inner.next.map_or(now, |next| next.max(now));
        inner.next = Some(begins + takes);
        (begins - now).saturating_sub(AHEAD)
    }

    fn frames(&self, codec: &dyn Codec, what: What, write: impl FnOnce() -> Arc<[ByteString]>) -> Arc<[ByteString]> {
        let version = codec.version();
        // Others who want the same wait here until it is written, which is shorter than to write it themselves.
        let mut inner = self.inner();
        let known = inner.written.iter().find(|known| known.version == version && known.what == what);
        if let Some(known) = known {
            return Arc::clone(&known.frames);
        }
        let frames = write();
        if inner.written.len() >= KEPT {
            inner.written.pop_front();
        }
        inner.written.push_back(Written { version, what, frames: Arc::clone(&frames) });
        frames
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::buttplug::{ClientState, ProtocolError, Request, frame::Element, versions};
    use crate::types::{Derived, Description};

    /// The newest version, counting what it writes.
    #[derive(Debug, Default)]
    struct Counting(AtomicUsize);

    impl Codec for Counting {
        fn version(&self) -> u32 {
            versions::newest().version()
        }

        fn read(
            &self,
            element: Element,
            client: &mut ClientState,
            now: &Descriptions,
        ) -> Result<(Request, ReplyForm), ProtocolError> {
            versions::newest().read(element, client, now)
        }

        fn knows_devices_at_handshake(&self) -> bool {
            versions::newest().knows_devices_at_handshake()
        }

        fn before_list(&self, before: &Descriptions, after: &Arc<Descriptions>) -> Vec<String> {
            versions::newest().before_list(before, after)
        }

        fn write(&self, form: &ReplyForm, message: &ServerMessage) -> Option<String> {
            self.0.fetch_add(1, Ordering::Relaxed);
            versions::newest().write(form, message)
        }

        fn devices_changed(&self, before: &Descriptions, after: &Arc<Descriptions>) -> Vec<String> {
            self.0.fetch_add(1, Ordering::Relaxed);
            versions::newest().devices_changed(before, after)
        }
    }

    fn devices(count: u32) -> Arc<Descriptions> {
        let device = |index| Description {
            index,
            name: format!("device {index}"),
            display_name: None,
            gap_ms: 0,
            features: Vec::new(),
            derived: Derived::default(),
        };
        Arc::new((0..count).map(|index| (index, Arc::new(device(index)))).collect())
    }

    #[test]
    fn every_frame_is_what_the_codec_writes_and_is_written_once() {
        let (lists, codec, plain) = (DeviceLists::default(), Counting::default(), versions::newest());
        let (none, few) = (devices(0), devices(3));
        for id in [0, 1, 7, 4_294_967_295] {
            for list in [&none, &few] {
                let form = ReplyForm::new(id, "RequestDeviceList");
                let written = plain.write(&form, &ServerMessage::DeviceList(Arc::clone(list)));
                assert_eq!(lists.whole(&codec, &form, list).as_deref(), written.as_deref());
            }
        }
        assert_eq!(codec.0.load(Ordering::Relaxed), 2, "once for each list");
        for _ in 0..3 {
            let frames: Vec<_> = lists.changed(&codec, &none, &few).iter().map(ToString::to_string).collect();
            assert_eq!(frames, plain.devices_changed(&none, &few));
            let frames: Vec<_> = lists.changed(&codec, &few, &none).iter().map(ToString::to_string).collect();
            assert_eq!(frames, plain.devices_changed(&few, &none));
        }
        assert_eq!(codec.0.load(Ordering::Relaxed), 4, "once for each change");
    }

    #[test]
    fn every_version_begins_a_list_with_its_id() {
        let list = devices(3);
        for version in 0..=4 {
            let (lists, codec) = (DeviceLists::default(), versions::for_version(version).unwrap());
            let form = ReplyForm::new(77, "RequestDeviceList");
            let written = codec.write(&form, &ServerMessage::DeviceList(Arc::clone(&list)));
            assert_eq!(lists.whole(codec, &form, &list).as_deref(), written.as_deref(), "version {version}");
            let event = codec.write(&ReplyForm::EVENT, &ServerMessage::DeviceList(Arc::clone(&list))).unwrap();
            assert!(event.starts_with("[{\"DeviceList\":{\"Id\":0,"), "or each reply is written anew: {event}");
        }
    }

    #[test]
    fn few_frames_are_kept() {
        let (lists, codec) = (DeviceLists::default(), Counting::default());
        for count in 0..100 {
            let _ = lists.whole(&codec, &ReplyForm::EVENT, &devices(count));
        }
        assert_eq!((codec.0.load(Ordering::Relaxed), lists.inner().written.len()), (100, KEPT));
    }

    #[tokio::test(start_paused = true)]
    async fn many_large_lists_are_spread_over_time_and_small_ones_never_wait() {
        let lists = DeviceLists::default();
        let mib = [ByteString::from("x".repeat(1 << 20))];
        let waits: Vec<_> = (0..72).map(|_| lists.reserve(&mib)).collect();
        assert!(waits[..9].iter().all(Duration::is_zero), "{waits:?}");
        assert!(waits.is_sorted());
        let last = waits.last().copied().unwrap();
        assert!(
            last > Duration::from_millis(980) && last < Duration::from_secs(1),
            "64 MiB after the first 8: {last:?}"
        );
        tokio::time::advance(Duration::from_secs(2)).await;
        let kib = [ByteString::from("x".repeat(1 << 10))];
        assert!((0..1000).all(|_| lists.reserve(&kib).is_zero()));
    }
}
