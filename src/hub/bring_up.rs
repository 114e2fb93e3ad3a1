//! From found hardware to a device that can be driven: connect, identify, initialise. Every stage has a deadline.

use std::sync::{Arc, OnceLock};

use tokio::task::JoinSet;

use super::options::HubOptions;
use crate::device::{Opened, last_stop};
use crate::driver::{self, Driver};
use crate::library::{Candidate, Definition, Hardware, Model};
use crate::link::Link;
use crate::manager::Connector;
use crate::patience;

/// Hardware that is ready, and what it turned out to be.
#[derive(Debug)]
pub(super) struct Ready {
    pub definition: Arc<Definition>,
    pub model: Arc<Model>,
    pub identifier: Option<String>,
    pub opened: Opened,
}

/// Opens hardware. `link` is an open link to it, if there is one whose device has failed.
pub(super) async fn open(
    hardware: Hardware,
    connector: Arc<dyn Connector>,
    candidates: Vec<Candidate>,
    link: Option<(Arc<Definition>, Link)>,
    options: HubOptions,
) -> Result<Ready, String> {
    let (definition, link) = match link.filter(|(_, link)| !link.is_lost()) {
        Some(open) => open,
        None => {
            let connect = connector.connect(candidates.clone());
            let connected = patience::timeout(options.connect_timeout, connect).await;
            let connected = connected
                .ok_or_else(|| format!("it did not connect within {} ms", options.connect_timeout.as_millis()))?;
            let (which, link) = connected.map_err(|error| format!("connecting failed: {error}"))?;
            let candidate = candidates.get(which).ok_or("the bus chose a definition that it was not offered")?;
            (Arc::clone(&candidate.definition), link)
        }
    };
    link.set_packet_gap(definition.packet_gap_on(hardware.bus));
    // In a task of its own: whatever happens in there, the link is here to be stopped and closed.
    let mut task = JoinSet::new();
    let known = Arc::new(OnceLock::new());
    task.spawn(talk(hardware, Arc::clone(&definition), link.clone(), Arc::clone(&known)));
    let talked = match patience::timeout(options.init_timeout, task.join_next()).await {
        None => Err(format!("it was not ready within {} ms", options.init_timeout.as_millis())),
        Some(Some(Ok(talked))) => talked,
        Some(Some(Err(error))) => Err(format!("opening it panicked: {error}")),
        Some(None) => Err("nobody opened it".to_owned()),
    };
    match talked {
        Ok((identifier, model, driver)) => Ok(Ready { definition, model, identifier, opened: Opened { link, driver } }),
        Err(why) => {
            task.shutdown().await;
            // It may be running: hardware that was driven before, and whose device or server has failed. Which model it
            // is may be unknown; the default's stop is the best guess.
            let model = known.get().cloned().unwrap_or_else(|| Arc::new(definition.default.clone()));
            last_stop(&definition, &model, &link).await;
            link.disconnect().await;
            Err(why)
        }
    }
}

type Talked = (Option<String>, Arc<Model>, Box<dyn Driver>);

/// Asks which model it is, says so in `known`, and prepares it.
async fn talk(
    hardware: Hardware,
    definition: Arc<Definition>,
    link: Link,
    known: Arc<OnceLock<Arc<Model>>>,
) -> Result<Talked, String> {
    let protocol = driver::for_definition(&definition);
    let identified = protocol.identify(&definition, &hardware, &link).await;
    let identifier = identified.map_err(|error| format!("asking for the model failed: {error}"))?;
    let model = Arc::new(definition.model(identifier.as_deref()).clone());
    let _ = known.set(Arc::clone(&model));
    let mut driver = protocol.open(&definition, &model, &link);
    driver.connect(&link).await.map_err(|error| format!("initialising failed: {error}"))?;
    Ok((identifier, model, driver))
}
