//! Hardware that programs play over the WebSocket path `/hardware` (design: virtual-hardware.md, version 1).
//!
//! The server understands more than version 1 says. An `attach` may carry `protocol` (hardware that looks like nothing
//! that is known speaks this one), `remember` (`false`: the file of known devices is not to keep it) and `exclusive`
//! (`true`: it is answered by `{"type":"present"}`, or by a `refused` with `"code":"taken"` while another program plays
//! hardware with this bus and address). `{"type":"goodbye"}` is a `detach` for good: the device is gone without a period
//! of grace, and then the server closes the socket. The server says `{"type":"failed","reason":"..."}` when it has
//! connected and could not go on, and closes with code 1001 when it ends.

mod bus;
mod frames;
mod manager;
mod peripheral;
mod port;

pub use bus::Virtual;
pub use port::Port;
