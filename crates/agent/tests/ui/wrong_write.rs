use dunlin_agent::Object;

#[derive(Object)]
#[object(id = 3303)]
struct Sensor {
    #[resource(5701, read, write)]
    units: &'static str,
    #[resource(5518, read, type = time)]
    timestamp: f64,
    #[resource(5750, read, check = is_known)]
    application: u8,
}

fn main() {}
