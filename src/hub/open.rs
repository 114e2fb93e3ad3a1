//! From found hardware to a device that can be driven: connect, identify, initialise. Every stage has a deadline.

use std::sync::Arc;

use super::HubOptions;
use crate::device::Opened;
use crate::driver;
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
    let talk = async {
        let protocol = driver::of(&definition);
        let identified = protocol.identify(&definition, &hardware, &link).await;
        let identifier = identified.map_err(|error| format!("asking for the model failed: {error}"))?;
        let model = Arc::new(definition.model(identifier.as_deref()).clone());
        let mut driver = protocol.open(&definition, &model, &link);
        driver.connect(&link).await.map_err(|error| format!("initialising failed: {error}"))?;
        Ok::<_, String>((identifier, model, driver))
    };
    let talked = patience::timeout(options.init_timeout, talk).await;
    let talked =
        talked.unwrap_or_else(|| Err(format!("it was not ready within {} ms", options.init_timeout.as_millis())));
    match talked {
        Ok((identifier, model, driver)) => Ok(Ready { definition, model, identifier, opened: Opened { link, driver } }),
        Err(why) => {
            link.disconnect().await;
            Err(why)
        }
    }
}
