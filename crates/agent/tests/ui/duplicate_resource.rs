use dunlin_agent::Object;

#[derive(Object)]
#[object(id = 3303)]
struct Sensor {
    #[resource(5700, read)]
    value: f32,
    #[resource(5700, read)]
    other: f32,
}

fn main() {}
