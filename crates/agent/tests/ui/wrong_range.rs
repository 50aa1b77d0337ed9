use dunlin_agent::Object;
use dunlin_agent::heapless::String;

#[derive(Object)]
#[object(id = 3303)]
struct Sensor {
    #[resource(0, read, range = 0..=1)]
    on: bool,
    #[resource(1, read, range = 0..=100)]
    text: String<8>,
    #[resource(2, read, range = 0..=300)]
    small: u8,
    #[resource(3, read, range = 0.5..=1)]
    whole: i32,
    #[resource(4, read, length = 0..=4)]
    number: f64,
    #[resource(5, read, unit = "s")]
    name: &'static str,
    #[resource(6, read, range = -1..=1)]
    unsigned: u32,
}

#[derive(Object)]
#[object(id = 3303)]
struct Reversed {
    #[resource(0, read, range = 5..=1)]
    value: i32,
}

fn main() {}
