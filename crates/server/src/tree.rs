//! The object tree of a device: from what it announced, what the registry says, and the values seen last.

use std::collections::{BTreeMap, BTreeSet};

use dunlin_manager::{KnownValue, Registration, Registry};
use dunlin_model::{ObjectDefinition, ObjectId, Owned, Path, ResourceDefinition, ResourceId};

use crate::api::{InstanceNode, ObjectNode, ResourceInstanceNode, ResourceNode};
use crate::convert;

/// Sensor Units: the reusable resource in which an instance tells the unit of its values.
const SENSOR_UNITS: ResourceId = ResourceId::of::<5701>();

/// The reusable resources whose unit that is: the measured values (5601 to 5604) and the sensor's value (5700).
const MEASURED: [ResourceId; 5] = [
    ResourceId::of::<5601>(),
    ResourceId::of::<5602>(),
    ResourceId::of::<5603>(),
    ResourceId::of::<5604>(),
    ResourceId::of::<5700>(),
];

/// The longest unit that is believed, in bytes.
const LONGEST_UNIT: usize = 16;

/// The objects of a device in the order of their ids.
pub(crate) fn objects(
    registry: &Registry,
    registration: &Registration,
    values: &[KnownValue],
) -> Vec<ObjectNode> {
    let known = registry.of(registration);
    let mut tree: BTreeMap<ObjectId, BTreeSet<Path>> = BTreeMap::new();
    let mut versions: BTreeMap<ObjectId, String> = BTreeMap::new();
    for link in &registration.links {
        let Some(object) = link.path.object_id() else {
            continue;
        };
        let instances = tree.entry(object).or_default();
        if let Some(instance) = link.path.instance_id() {
            instances.insert(Path::instance(object, instance));
        }
        if let Some(version) = link.attributes.get("ver") {
            versions.insert(object, version.to_string());
        }
    }
    tree.into_iter()
        .map(|(id, instances)| {
            let definition = known.find(id).map(|object| &object.definition);
            ObjectNode {
                id: id.get(),
                name: definition.map(|definition| definition.name.to_string()),
                version: versions.remove(&id),
                multiple: definition.is_none_or(|definition| definition.multiple),
                instances: instances
                    .into_iter()
                    .map(|path| instance(path, definition, values))
                    .collect(),
            }
        })
        .collect()
}

fn instance(
    path: Path,
    definition: Option<&ObjectDefinition<Owned>>,
    values: &[KnownValue],
) -> InstanceNode {
    let values = below(values, path);
    let told = values
        .iter()
        .find(|known| known.path.resource_id() == Some(SENSOR_UNITS))
        .and_then(|known| known.value.as_str())
        .filter(|units| !units.is_empty() && units.len() <= LONGEST_UNIT);
    let mut ids: BTreeSet<ResourceId> = values
        .iter()
        .filter_map(|known| known.path.resource_id())
        .collect();
    ids.extend(
        definition
            .iter()
            .flat_map(|definition| definition.resources.iter())
            .map(|resource| resource.id),
    );
    InstanceNode {
        id: path.instance_id().map_or(0, dunlin_model::InstanceId::get),
        resources: ids
            .into_iter()
            .filter_map(|id| {
                let path = path.child(id.get())?;
                let definition = definition.and_then(|definition| definition.resource(id));
                let mut node = resource(id, path, definition, below(values, path));
                if node.units.is_none() && MEASURED.contains(&id) {
                    node.units = told.map(str::to_owned);
                }
                Some(node)
            })
            .collect(),
    }
}

fn resource(
    id: ResourceId,
    path: Path,
    definition: Option<&ResourceDefinition<Owned>>,
    values: &[KnownValue],
) -> ResourceNode {
    let single = values.iter().find(|known| known.path == path);
    let instances: Vec<_> = values
        .iter()
        .filter_map(|known| {
            let id = known.path.resource_instance_id()?;
            Some(ResourceInstanceNode {
                id: id.get(),
                value: convert::to_json(&known.value),
            })
        })
        .collect();
    ResourceNode {
        id: id.get(),
        path: path.to_string(),
        name: definition.map(|definition| definition.name.to_string()),
        operations: definition.map(|definition| definition.operations.to_string()),
        kind: definition
            .map(|definition| definition.kind)
            .or_else(|| values.first().map(|known| known.value.kind()))
            .map(convert::data_type),
        units: definition
            .map(|definition| definition.units.to_string())
            .filter(|units| !units.is_empty()),
        multiple: definition.map_or(single.is_none() && !instances.is_empty(), |definition| {
            definition.multiple
        }),
        mandatory: definition.is_some_and(|definition| definition.mandatory),
        value: single.map(|known| convert::to_json(&known.value)),
        values: (!instances.is_empty()).then_some(instances),
        updated_at: values
            .iter()
            .map(|known| known.updated_at)
            .max()
            .map(convert::timestamp),
    }
}

/// The values at and below a path; `values` is in the order of the paths.
fn below(values: &[KnownValue], path: Path) -> &[KnownValue] {
    let start = values.partition_point(|known| known.path < path);
    let rest = values.get(start..).unwrap_or_default();
    let end = rest.partition_point(|known| path.contains(&known.path));
    rest.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use dunlin_manager::{OwnedValue, Timestamp};

    use super::*;

    fn known(path: &str, value: impl Into<OwnedValue>, at: i64) -> KnownValue {
        KnownValue {
            path: path.parse().expect("a path"),
            value: value.into(),
            updated_at: Timestamp::from_millis(at),
        }
    }

    #[test]
    fn below_finds_the_subtree() {
        let values = [
            known("/3/0/0", "x", 0),
            known("/3/0/7/0", 1_i64, 0),
            known("/3/0/7/1", 2_i64, 0),
            known("/3/0/70", 3_i64, 0),
        ];
        let paths = |path: &str| {
            below(&values, path.parse().expect("a path"))
                .iter()
                .map(|known| known.path.to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(paths("/3/0/7"), ["/3/0/7/0", "/3/0/7/1"]);
        assert_eq!(paths("/3/0").len(), 4);
        assert!(paths("/3/1").is_empty());
        assert!(paths("/2").is_empty());
    }

    #[test]
    fn an_instance_has_defined_and_seen_resources() {
        let values = [
            known("/3303/0/5700", 21.5, 5),
            known("/3303/0/5701", "Cel", 5),
            known("/3303/0/9999/1", "extra", 7),
            known("/3303/1/5700", 1.0, 9),
        ];
        let registry = Registry::new();
        let object = registry.newest(ObjectId::of::<3303>()).expect("built in");
        let definition = Some(&object.definition);
        let node = instance("/3303/0".parse().expect("a path"), definition, &values);
        let find = |id| {
            node.resources
                .iter()
                .find(|resource| resource.id == id)
                .expect("the resource")
        };
        let value = find(5700);
        assert_eq!(value.value, Some(21.5.into()));
        assert_eq!(value.name.as_deref(), Some("Sensor Value"));
        assert_eq!(value.operations.as_deref(), Some("R"));
        assert_eq!(value.units.as_deref(), Some("Cel"));
        assert_eq!(find(5701).units, None);
        let extra = find(9999);
        assert!(extra.multiple && extra.name.is_none() && extra.value.is_none());
        assert_eq!(extra.values.as_ref().map(Vec::len), Some(1));
        assert!(find(5605).operations.as_deref() == Some("E") && find(5605).updated_at.is_none());
    }
}
