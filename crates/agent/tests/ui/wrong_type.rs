use dunlin_agent::Object;

struct Celsius(f32);

#[derive(Object)]
#[object(id = 3303)]
struct Sensor {
    #[resource(5700, read)]
    value: Celsius,
}

fn main() {}
