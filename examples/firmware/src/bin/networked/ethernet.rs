//! The Ethernet controller of the LM3S6965 (data sheet, chapter 17) below embassy-net. It is looked at once a millisecond.

use embassy_net_driver_channel::Runner;
use embassy_time::Timer;
use vcell::VolatileCell;

/// The longest frame, without its checksum.
pub(crate) const MTU: usize = 1514;

/// What stands in front of the frame in the FIFO: a length of two bytes.
const BEFORE: usize = 2;

/// And behind it: the checksum.
const BEHIND: usize = 4;

/// The header of a frame, which the length of one that is sent does not count.
const HEADER: usize = 14;

/// The registers, by their offset.
#[repr(C)]
struct Ethernet {
    /// 0x00, MACRIS.
    _interrupts: VolatileCell<u32>,
    /// 0x04, MACIM.
    _mask: VolatileCell<u32>,
    /// 0x08, MACRCTL: bit 0 receives, bit 4 empties the FIFO.
    receive: VolatileCell<u32>,
    /// 0x0c, MACTCTL: bit 0 transmits, 1 pads short frames, 2 appends the checksum, 4 is for both directions at once.
    transmit: VolatileCell<u32>,
    /// 0x10, MACDATA: both FIFOs, four bytes at a time.
    data: VolatileCell<u32>,
    /// 0x14, MACIA0 and MACIA1: the address.
    address: [VolatileCell<u32>; 2],
    /// 0x1c, MACTHR, and the registers of the transceiver.
    _other: [VolatileCell<u32>; 6],
    /// 0x34, MACNP: how many frames have arrived.
    arrived: VolatileCell<u32>,
    /// 0x38, MACTR: bit 0 sends what is in the FIFO, and is 1 until that is done.
    send: VolatileCell<u32>,
}

// The linker script says where they are, and nothing else uses them.
unsafe extern "C" {
    safe static ETHERNET: Ethernet;
    /// RCGC2: bit 28 is the clock of the controller, 30 that of the transceiver.
    safe static CLOCK_GATES: VolatileCell<u32>;
}

/// Switches the controller on, with this address.
pub(crate) fn start(address: [u8; 6]) {
    CLOCK_GATES.set(CLOCK_GATES.get() | 1 << 28 | 1 << 30);
    let [a, b, c, d, e, f] = address;
    ETHERNET.address[0].set(u32::from_le_bytes([a, b, c, d]));
    ETHERNET.address[1].set(u32::from_le_bytes([e, f, 0, 0]));
    ETHERNET.receive.set(1 << 4);
    ETHERNET.receive.set(1);
    ETHERNET.transmit.set(1 | 1 << 1 | 1 << 2 | 1 << 4);
}

/// Carries frames between the controller and the stack.
pub(crate) async fn carry(mut stack: Runner<'_, MTU>) -> ! {
    loop {
        while ETHERNET.arrived.get() > 0
            && let Some(room) = stack.try_rx_buf()
        {
            let length = receive(room);
            stack.rx_done(length);
        }
        while ETHERNET.send.get() & 1 == 0
            && let Some(frame) = stack.try_tx_buf()
        {
            send(frame);
            stack.tx_done();
        }
        Timer::after_millis(1).await;
    }
}

/// Takes a frame out of the FIFO, and gives its length: 0 where there is no room for it.
fn receive(room: &mut [u8]) -> usize {
    let mut word = ETHERNET.data.get().to_le_bytes();
    let taken = usize::from(u16::from_le_bytes([word[0], word[1]]));
    let length = taken.saturating_sub(BEFORE + BEHIND);
    for place in BEFORE..taken {
        if place.is_multiple_of(4) {
            word = ETHERNET.data.get().to_le_bytes();
        }
        if let Some(byte) = room[..].get_mut(place - BEFORE) {
            *byte = word[place % 4];
        }
    }
    if length > room.len() { 0 } else { length }
}

/// Puts a frame into the FIFO and sends it.
fn send(frame: &[u8]) {
    let length = u16::try_from(frame.len().saturating_sub(HEADER)).unwrap_or(0);
    let [low, high] = length.to_le_bytes();
    let mut word = [low, high, 0, 0];
    for (place, byte) in (BEFORE..).zip(frame) {
        word[place % 4] = *byte;
        if place % 4 == 3 {
            ETHERNET.data.set(u32::from_le_bytes(word));
            word = [0; 4];
        }
    }
    if !(BEFORE + frame.len()).is_multiple_of(4) {
        ETHERNET.data.set(u32::from_le_bytes(word));
    }
    ETHERNET.send.set(1);
}
