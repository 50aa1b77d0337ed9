use dunlin_agent::objects::{Device, Server, Temperature};
use dunlin_agent::{Instances, Objects};

#[derive(Objects)]
struct Node {
    server: Server<1>,
    first: Temperature,
    second: Instances<Temperature, 2>,
}

#[derive(Objects)]
struct Tuple(Device<'static>);

fn main() {}
