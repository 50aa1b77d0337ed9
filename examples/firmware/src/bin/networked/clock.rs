//! embassy's clock: SysTick, a tick each millisecond.

use core::cell::RefCell;
use core::task::Waker;

use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::exception;
use critical_section::Mutex;
use embassy_time_driver::Driver;
use embassy_time_queue_utils::Queue;

/// How many cycles a millisecond has: the board in QEMU runs at 12.5 MHz after its start.
const CYCLES: u32 = 12_500;

struct Clock(Mutex<RefCell<State>>);

struct State {
    /// Milliseconds since the start.
    now: u64,
    /// When the next task is to be woken.
    alarm: u64,
    queue: Queue,
}

embassy_time_driver::time_driver_impl!(static CLOCK: Clock = Clock(Mutex::new(RefCell::new(State {
    now: 0,
    alarm: u64::MAX,
    queue: Queue::new(),
}))));

impl Driver for Clock {
    fn now(&self) -> u64 {
        critical_section::with(|token| self.0.borrow_ref(token).now)
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        critical_section::with(|token| {
            let state = &mut *self.0.borrow_ref_mut(token);
            if state.queue.schedule_wake(at, waker) {
                state.alarm = state.queue.next_expiration(state.now);
            }
        });
    }
}

/// Starts the clock.
pub(crate) fn start(timer: &mut SYST) {
    timer.set_clock_source(SystClkSource::Core);
    timer.set_reload(CYCLES - 1);
    timer.clear_current();
    timer.enable_counter();
    timer.enable_interrupt();
}

#[exception]
fn SysTick() {
    critical_section::with(|token| {
        let state = &mut *CLOCK.0.borrow_ref_mut(token);
        state.now += 1;
        if state.now >= state.alarm {
            state.alarm = state.queue.next_expiration(state.now);
        }
    });
}
