//! The motors of an open pad.

use std::fs::File;
use std::io;
use std::path::Path;

use evdev::raw_stream::RawDevice;
use evdev::{FFEffect, FFEffectCode, FFEffectData, FFEffectKind, FFReplay, FFTrigger};

use crate::manager::{blocking_link::Ends, blocking_link::READ, blocking_link::Reader, blocking_link::Writer};

/// How long an effect lasts that is not written again. Three times what the definition's `[repeat]` takes, so that one
/// that comes late is not felt.
pub(super) const LENGTH_MS: u16 = 1500;

/// What can rumble. Both levels are 0 to 65535, not both 0.
trait Effects: Send {
    /// Rumbles for a while, in place of what was before.
    fn play(&mut self, strong: u16, weak: u16, length_ms: u16) -> io::Result<()>;

    /// Ends it.
    fn silence(&mut self) -> io::Result<()>;
}

/// Opens a pad: its motors, and something that notices when it is gone. Blocking.
pub(super) fn open(path: &Path) -> Result<Ends, String> {
    // The library itself would be content with a pad that it may only read.
    let file = || File::options().read(true).write(true).open(path);
    let open = || file().and_then(|file| RawDevice::from_fd(file.into())).map_err(|error| failed(path, &error));
    let (device, watched) = (open()?, open()?);
    if !device.supported_ff().is_some_and(|effects| effects.contains(FFEffectCode::FF_RUMBLE)) {
        return Err(format!("the gamepad {} cannot be opened: it does not rumble (any more)", path.display()));
    }
    Ok((Box::new(Motors(Kernel { effect: None, device })), Box::new(Presence(watched))))
}

/// What is wrong with a pad, and what helps.
fn failed(path: &Path, error: &io::Error) -> String {
    let help = match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "; a udev rule must grant it, or the user must be in the group that owns it (`input` on most systems)"
        }
        _ => "",
    };
    format!("the gamepad {} cannot be opened: {error}{help}", path.display())
}

/// Takes the packets of the definition.
struct Motors<E>(E);

impl<E: Effects> Writer for Motors<E> {
    fn write(&mut self, data: &[u8]) -> Result<(), String> {
        let &[s0, s1, w0, w1] = data else {
            return Err(format!("a gamepad takes 4 bytes, two levels of 16 bits; these are {}", data.len()));
        };
        let (strong, weak) = (u16::from_le_bytes([s0, s1]), u16::from_le_bytes([w0, w1]));
        let done = if (strong, weak) == (0, 0) { self.0.silence() } else { self.0.play(strong, weak, LENGTH_MS) };
        done.map_err(|error| error.to_string())
    }
}

/// The kernel's force feedback. It ends the effects of whoever closes the device, so also of a program that is killed.
struct Kernel {
    /// Before the device, so that it is erased while that is open.
    effect: Option<FFEffect>,
    device: RawDevice,
}

impl Effects for Kernel {
    fn play(&mut self, strong: u16, weak: u16, length_ms: u16) -> io::Result<()> {
        let data = FFEffectData {
            direction: 0,
            trigger: FFTrigger::default(),
            replay: FFReplay { length: length_ms, delay: 0 },
            kind: FFEffectKind::Rumble { strong_magnitude: strong, weak_magnitude: weak },
        };
        let effect = match self.effect.take() {
            Some(mut effect) => {
                effect.update(data)?;
                self.effect.insert(effect)
            }
            None => {
                let effect = self.device.upload_ff_effect(data)?;
                self.effect.insert(effect)
            }
        };
        effect.play(1)
    }

    fn silence(&mut self) -> io::Result<()> {
        match &mut self.effect {
            Some(effect) => effect.stop(),
            // Nothing of this program's was ever played, and others have their own.
            None => Ok(()),
        }
    }
}

/// Notices when a pad is gone. What its buttons say is not read, so nothing is taken from games.
struct Presence(RawDevice);

impl Reader for Presence {
    fn read(&mut self) -> Result<Option<Vec<u8>>, String> {
        std::thread::sleep(READ);
        match self.0.get_key_state() {
            Ok(_) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::link::{Deadlines, Packet};
    use crate::manager::blocking_link::{info, start};
    use crate::manager::open_devices::OpenDevices;
    use crate::types::Bus;
    use crate::types::Endpoint;
    use std::sync::mpsc::{Receiver, Sender, channel};

    type Played = Option<(u16, u16, u16)>;

    struct Fake(Sender<Played>);

    impl Effects for Fake {
        fn play(&mut self, strong: u16, weak: u16, length_ms: u16) -> io::Result<()> {
            if strong == 0xDEAD {
                return Err(io::Error::from_raw_os_error(19));
            }
            let _ = self.0.send(Some((strong, weak, length_ms)));
            Ok(())
        }

        fn silence(&mut self) -> io::Result<()> {
            let _ = self.0.send(None);
            Ok(())
        }
    }

    #[test]
    fn levels_are_two_words_and_zero_is_silence() {
        let (to, played) = channel();
        let mut motors = Motors(Fake(to));
        motors.write(&[0x34, 0x12, 0xFF, 0xFF]).unwrap();
        motors.write(&[0, 0, 1, 0]).unwrap();
        motors.write(&[0, 0, 0, 0]).unwrap();
        let all: Vec<_> = played.try_iter().collect();
        assert_eq!(all, [Some((0x1234, 0xFFFF, LENGTH_MS)), Some((0, 1, LENGTH_MS)), None]);
        assert!(motors.write(&[0xAD, 0xDE, 0, 0]).unwrap_err().contains("os error 19"));
        for wrong in [&[][..], &[0; 3], &[0; 8]] {
            assert!(motors.write(wrong).unwrap_err().contains("takes 4 bytes"));
        }
    }

    #[test]
    fn an_effect_outlasts_the_pause_until_it_is_written_again_but_not_by_much() {
        let library = crate::library::Library::load(&[], &crate::driver::names());
        let repeat = library.protocol("sdl-gamepad").unwrap().repeat.unwrap();
        assert!(repeat.only_running);
        assert!(repeat.every * 2 < Duration::from_millis(LENGTH_MS.into()));
        const { assert!(LENGTH_MS <= 2000) };
    }

    /// Gone when the other end of the channel is.
    struct Plug(Receiver<()>);

    impl Reader for Plug {
        fn read(&mut self) -> Result<Option<Vec<u8>>, String> {
            match self.0.recv_timeout(Duration::from_millis(5)) {
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => Err("No such device (os error 19)".to_owned()),
                _ => Ok(None),
            }
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_unplugged_pad_is_a_lost_link() {
        let (to, played) = channel();
        let (plug, plugged) = channel();
        let open_devices = OpenDevices::default();
        let ends: Ends = (Box::new(Motors(Fake(to))), Box::new(Plug(plugged)));
        let link = start("a pad", ends, info(Bus::Gamepad, Deadlines::default()), open_devices.mark_open("a")).unwrap();
        let packet = |data: &[u8]| Packet { endpoint: Endpoint::TX, data: data.to_vec(), ack: false };
        link.write(packet(&[1, 0, 2, 0])).await.unwrap();
        assert_eq!(played.recv().unwrap(), Some((1, 2, LENGTH_MS)));
        assert!(link.write(packet(&[1])).await.is_err());
        assert!(link.read(Endpoint::RX).await.unwrap_err().to_string().contains("listened to"));
        drop(plug);
        tokio::time::timeout(Duration::from_secs(5), link.lost()).await.expect("the loss is not noticed");
        for _ in 0..100 {
            if open_devices.due_for_retry() == ["a"] {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the pad is still held");
    }

    #[test]
    fn who_may_not_open_a_pad_is_told_what_helps() {
        let path = Path::new("/dev/input/event5");
        let text = failed(path, &io::ErrorKind::PermissionDenied.into());
        assert!(text.contains("event5 cannot be opened") && text.contains("udev"), "{text}");
        assert!(!failed(path, &io::ErrorKind::NotFound.into()).contains("udev"));
    }
}
