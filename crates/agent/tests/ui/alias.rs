use dunlin_agent::{Execute, Object};

type Switch = bool;
type Button = Execute;
type Label = &'static str;

#[derive(Object)]
#[object(id = 3342)]
struct Ranged {
    #[resource(5500, read, range = 0..=1)]
    state: Switch,
}

#[derive(Object)]
#[object(id = 3342)]
struct Executed {
    #[resource(5505, read)]
    reset: Button,
}

#[derive(Object)]
#[object(id = 3342)]
struct Written {
    #[resource(5750, read, write)]
    application: Label,
}

fn main() {}
