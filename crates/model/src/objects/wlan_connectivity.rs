//! Object 12, WLAN connectivity: OMA registry, version 1.1.

use super::resource_of as resource;
use crate::{
    ObjectDefinition, ObjectId, Operations, Range, ResourceDefinition, ValueType, Version,
};

/// Object 12, WLAN connectivity: OMA registry, version 1.1.
pub const WLAN_CONNECTIVITY: ObjectDefinition =
    ObjectDefinition::new(ObjectId::of::<12>(), "WLAN connectivity", RESOURCES)
        .version(Version::new(1, 1));

const RESOURCES: &[ResourceDefinition] = &[
    resource::<0>("Interface name", Operations::RW, ValueType::String).mandatory(),
    resource::<1>("Enable", Operations::RW, ValueType::Boolean).mandatory(),
    resource::<2>("Radio Enabled", Operations::RW, ValueType::Integer),
    resource::<3>("Status", Operations::R, ValueType::Integer).mandatory(),
    resource::<4>("BSSID", Operations::R, ValueType::String)
        .mandatory()
        .range(&Range::lengths(&[12])),
    resource::<5>("SSID", Operations::RW, ValueType::String)
        .mandatory()
        .range(&Range::Length(1, 32)),
    resource::<6>("Broadcast SSID", Operations::RW, ValueType::Boolean),
    resource::<7>("Beacon Enabled", Operations::RW, ValueType::Boolean),
    resource::<8>("Mode", Operations::RW, ValueType::Integer).mandatory(),
    resource::<9>("Channel", Operations::RW, ValueType::Integer)
        .mandatory()
        .range(&Range::Integer(0, 255)),
    resource::<10>("Auto Channel", Operations::RW, ValueType::Boolean),
    resource::<11>("Supported Channels", Operations::RW, ValueType::Integer).multiple(),
    resource::<12>("Channels In Use", Operations::RW, ValueType::Integer).multiple(),
    resource::<13>("Regulatory Domain", Operations::RW, ValueType::String)
        .range(&Range::lengths(&[3])),
    resource::<14>("Standard", Operations::RW, ValueType::Integer).mandatory(),
    resource::<15>("Authentication Mode", Operations::RW, ValueType::Integer).mandatory(),
    resource::<16>("Encryption Mode", Operations::RW, ValueType::Integer),
    resource::<17>("WPA Pre Shared Key", Operations::W, ValueType::String)
        .range(&Range::lengths(&[64])),
    resource::<18>("WPA Key Phrase", Operations::W, ValueType::String).range(&Range::Length(1, 64)),
    resource::<19>("WEP Encryption Type", Operations::RW, ValueType::Integer),
    resource::<20>("WEP Key Index", Operations::RW, ValueType::Integer)
        .range(&Range::Integer(1, 4)),
    resource::<21>("WEP Key Phrase", Operations::W, ValueType::String).range(&Range::Length(1, 64)),
    resource::<22>("WEP Key 1", Operations::W, ValueType::String).range(&Range::lengths(&[10, 26])),
    resource::<23>("WEP Key 2", Operations::W, ValueType::String).range(&Range::lengths(&[10, 26])),
    resource::<24>("WEP Key 3", Operations::W, ValueType::String).range(&Range::lengths(&[10, 26])),
    resource::<25>("WEP Key 4", Operations::W, ValueType::String).range(&Range::lengths(&[10, 26])),
    resource::<26>("RADIUS Server", Operations::RW, ValueType::String)
        .range(&Range::Length(1, 256)),
    resource::<27>("RADIUS Server Port", Operations::RW, ValueType::Integer),
    resource::<28>("RADIUS Secret", Operations::W, ValueType::String).range(&Range::Length(1, 256)),
    resource::<29>("WMM Supported", Operations::R, ValueType::Boolean),
    resource::<30>("WMM Enabled", Operations::RW, ValueType::Boolean),
    resource::<31>("MAC Control Enabled", Operations::RW, ValueType::Boolean),
    resource::<32>("MAC Address List", Operations::RW, ValueType::String)
        .multiple()
        .range(&Range::lengths(&[12])),
    resource::<33>("Total Bytes Sent", Operations::R, ValueType::Integer),
    resource::<34>("Total Bytes Received", Operations::R, ValueType::Integer),
    resource::<35>("Total Packets Sent", Operations::R, ValueType::Integer),
    resource::<36>("Total Packets Received", Operations::R, ValueType::Integer),
    resource::<37>("Transmit Errors", Operations::R, ValueType::Integer),
    resource::<38>("Receive Errors", Operations::R, ValueType::Integer),
    resource::<39>("Unicast Packets Sent", Operations::R, ValueType::Integer),
    resource::<40>(
        "Unicast Packets Received",
        Operations::R,
        ValueType::Integer,
    ),
    resource::<41>("Multicast Packets Sent", Operations::R, ValueType::Integer),
    resource::<42>(
        "Multicast Packets Received",
        Operations::R,
        ValueType::Integer,
    ),
    resource::<43>("Broadcast Packets Sent", Operations::R, ValueType::Integer),
    resource::<44>(
        "Broadcast Packets Received",
        Operations::R,
        ValueType::Integer,
    ),
    resource::<45>("Discard Packets Sent", Operations::R, ValueType::Integer),
    resource::<46>(
        "Discard Packets Received",
        Operations::R,
        ValueType::Integer,
    ),
    resource::<47>(
        "Unknown Packets Received",
        Operations::R,
        ValueType::Integer,
    ),
    resource::<48>(
        "Vendor specific extensions",
        Operations::R,
        ValueType::Objlnk,
    ),
];
