use dunlin_agent::{Execute, Object};

#[derive(Object)]
#[object(id = 3303)]
struct Sensor {
    #[resource(0, execute)]
    value: f32,
    #[resource(1, read)]
    reset: Execute,
    #[resource(2, read, execute)]
    both: Execute,
    #[resource(3)]
    nothing: bool,
}

fn main() {}
