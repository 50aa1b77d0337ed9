use dunlin_agent::Object;

#[derive(Object)]
struct Nameless {
    #[resource(5700, read)]
    value: f32,
}

#[derive(Object)]
#[object(id = 3303)]
struct Sensor {
    #[resource(read)]
    value: f32,
}

#[derive(Object)]
#[object(id = 65535, version = "one")]
struct Reserved {
    #[resource(65535, read)]
    value: f32,
}

fn main() {}
