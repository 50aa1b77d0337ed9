use dunlin_agent::Object;

#[derive(Object)]
#[object(id = 3303, instances = 3)]
struct Sensor {
    #[resource(5700, read)]
    value: f32,
}

#[derive(Object)]
#[object(id = 3303)]
struct Other {
    #[resource(5700, reed)]
    value: f32,
}

#[derive(Object)]
#[object(id = 3303)]
enum Neither {
    One,
}

fn main() {}
