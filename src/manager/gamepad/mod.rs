//! Gamepads on Linux, through the kernel's force feedback: everything of the input system that can rumble.
//!
//! `tx` takes four bytes, two levels of 16 bits, little end first: the low-frequency (strong) motor, then the
//! high-frequency (weak) one (facts: protocols/sdl-gamepad.md; the kernel's interface has no motors in triggers). An
//! effect lasts 1.5 seconds and has to be written again before that, which the definition's `[repeat]` does: so nothing
//! rumbles on when this program hangs or is killed. Here live the list, made from what the kernel says in
//! `/sys` without opening anything (`sysfs`), and the motors (`rumble`).
//!
//! A pad's address is what it calls itself (mostly its Bluetooth address), else the socket that it is plugged into, else
//! vendor and product; several with the same are numbered, see `stable_address`.

mod bus;
mod check;
mod pads;
mod rumble;
mod sysfs;

pub use bus::Gamepad;
