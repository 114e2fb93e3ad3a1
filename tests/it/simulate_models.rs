//! Every model that is known can be simulated: the server takes it for this model and drives it.

use serde_json::{Value, json};

use crate::simulate::Toy;
use hapticd::types::OutputKind;

use crate::support::{Raw, Server, output, run};

/// Toys at once: the server allows more, small machines do not.
const AT_ONCE: usize = 18;

#[tokio::test]
async fn every_known_model_is_taken_for_what_it_is_and_driven() {
    let listed = String::from_utf8(run(&["devices", "--json"]).stdout).unwrap();
    let models: Vec<Value> = listed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(models.len() >= 162, "{}", models.len());
    let server = Server::start(&[]);
    // Clients tell devices by their names, so those of one name are played one after the other.
    let mut namesakes: Vec<Vec<&Value>> = Vec::new();
    for (at, model) in models.iter().enumerate() {
        let before = models[..at].iter().filter(|other| other["name"] == model["name"]).count();
        namesakes.resize_with(namesakes.len().max(before + 1), Vec::new);
        namesakes[before].push(model);
    }
    for models in namesakes.iter().flat_map(|models| models.chunks(AT_ONCE)) {
        // It answers no pings while the toys are waited for, so that none is to live for long.
        let mut client = Raw::scanning(&server).await;
        let toys = models.iter().map(|model| {
            let id = model["identifiers"][0].as_str().or(model["name"].as_str()).unwrap();
            Toy::start(&server, &format!("{}/{id}", model["protocol"].as_str().unwrap()))
        });
        let mut toys: Vec<_> = toys.collect();
        for (toy, model) in toys.iter_mut().zip(models) {
            let attached = toy.event("attached").await;
            assert_eq!(attached["protocol"], model["protocol"], "{model}");
        }
        let devices = client.devices(models.len()).await;
        let mut found: Vec<_> = devices.as_object().unwrap().values().map(|device| &device["DeviceName"]).collect();
        let mut wanted: Vec<_> = models.iter().map(|model| &model["name"]).collect();
        for names in [&mut found, &mut wanted] {
            names.sort_by_key(|name| name.as_str());
        }
        assert_eq!(found, wanted);
        for (toy, model) in toys.iter_mut().zip(models) {
            let same = |(_, device): &(&String, &Value)| device["DeviceName"] == model["name"];
            let (index, _) = devices.as_object().unwrap().iter().find(same).unwrap();
            let Some(first) = model["outputs"].as_array().unwrap().first() else { continue };
            let feature = first["feature"].as_u64().unwrap();
            let kind = OutputKind::from_key(first["output"].as_str().unwrap()).unwrap().name();
            let mut command = output(index.parse().unwrap(), feature.try_into().unwrap(), kind, 0);
            // The Onyx stands at its upper end when it is connected.
            let end = if model["protocol"] == "kiiroo-v1" && first["min"] == 0 && first["duration_ms"].is_array() {
                &first["min"]
            } else {
                &first["max"]
            };
            let mut value = json!({ "Value": end });
            if let Some(longest) = first["duration_ms"][1].as_u64() {
                value["Duration"] = json!(longest.min(500));
            }
            command["Command"] = json!({ kind: value });
            client.ok("OutputCmd", command).await;
            let mut level = toy.event("level").await;
            // These are led there step by step.
            let by_steps = ["fredorch-rotary", "kiiroo-v1"].contains(&model["protocol"].as_str().unwrap());
            while by_steps && level["value"] != *end {
                level = toy.event("level").await;
            }
            assert_eq!((&level["output"], &level["value"]), (&first["output"], end), "{model}: {level}");
        }
        for toy in toys {
            toy.end().await;
        }
        client.devices(0).await;
    }
}
