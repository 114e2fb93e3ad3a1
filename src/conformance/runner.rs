//! Runs the examples of a definition: conversations in which every byte must come as written.
//!
//! Lines are, in order:
//! - `vibrate 0 64`, `hw_position 0 50 in 200ms`, several joined by commas: one frame of a client, in device values
//! - `stop`, or `stop 1` for one feature
//! - `read battery 1 -> 85`: a client asks; the answer must be 85
//! - `listen pressure 1`: a client listens; `-> 300`: it is told this
//! - `wait 100ms`: time passes; the driver may speak by itself, and `[repeat]` is played
//! - `> tx ack: F1 40`, `> subscribe rx`, `> unsubscribe rx`, `> read rx`: what must be done to the hardware next
//! - `< rx: "OK;"`: what the hardware sends, `< value: 31 32`: what it answers to the `> read` before
//!
//! What stands before the first command is the conversation of connecting.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::driver::for_definition;
use crate::library::{Definition, DefinitionProblem, Hardware, Matcher, definition::Example};
use crate::link::{Clock, Confirms, Deadlines, LinkInfo, pair};
use crate::types::Bus;

use super::player::Player;
use super::transcript::{Failed, Script, is_talk, lock, serve};

/// Runs every example of a definition.
pub async fn run_all(definition: &Arc<Definition>) -> Vec<DefinitionProblem> {
    let mut problems = Vec::new();
    for example in &definition.examples {
        if let Err((line, reason)) = run(definition, example).await {
            problems.push(DefinitionProblem {
                file: example.file.clone(),
                line: Some(line),
                reason: format!("example: {reason}"),
                warning: false,
            });
        }
    }
    problems
}

type Steps<'a> = VecDeque<(usize, &'a str)>;

async fn run(definition: &Arc<Definition>, example: &Example) -> Result<(), Failed> {
    let mut rest: Steps<'_> = example.steps.iter().map(|(line, text)| (*line, text.as_str())).collect();
    let script = Arc::new(Mutex::new(Script::new(example.line)));
    fill(&script, &mut rest)?;
    let hardware = hardware(definition, example).map_err(|reason| (example.line, reason))?;
    let info = LinkInfo {
        endpoints: example.endpoints.clone().unwrap_or_else(|| definition.endpoints()),
        gap: Duration::ZERO,
        deadlines: Deadlines::default(),
        confirms: Confirms::Everything,
        clock: Clock::manual(),
    };
    let (link, end) = pair(info);
    let serving = tokio::spawn(serve(end, Arc::clone(&script)));
    let result = async {
        let protocol = for_definition(definition);
        let asked = protocol.identify(definition, &hardware, &link).await;
        let asked = asked.map_err(|error| lock(&script).fail(&error.to_string()))?;
        // Unless identification is examined, hardware that is not asked is what the example says it is.
        let told = example.model.as_deref().filter(|_| !examined(example));
        let model = definition.model(asked.as_deref().or(told));
        let meant = definition.model(example.model.as_deref());
        if (examined(example) || example.model.is_some()) && !std::ptr::eq(model, meant) {
            let wanted = example.model.as_deref().unwrap_or("the default");
            let reason = format!("the hardware was taken for {asked:?}, {:?}, not for {wanted:?}", model.name);
            return Err((example.line, reason));
        }
        let model = Arc::new(model.clone());
        let mut driver = protocol.open(definition, &model, &link);
        let connected = driver.connect(&link).await;
        connected.map_err(|error| lock(&script).fail(&error.to_string()))?;
        lock(&script).finish()?;
        let mut player = Player::new(driver, definition, model, link.clone(), Arc::clone(&script));
        while let Some((line, command)) = rest.pop_front() {
            lock(&script).line = line;
            fill(&script, &mut rest)?;
            player.command(command).await?;
            lock(&script).finish()?;
        }
        Ok(())
    }
    .await;
    drop(link);
    serving.abort();
    result
}

/// Moves the conversation up to the next command into the script.
fn fill(script: &Mutex<Script>, rest: &mut Steps<'_>) -> Result<(), Failed> {
    let mut script = lock(script);
    while let Some((line, text)) = rest.front().copied().filter(|(_, text)| is_talk(text)) {
        script.add(line, text)?;
        rest.pop_front();
    }
    Ok(())
}

/// Whether the example says what the hardware advertises.
fn examined(example: &Example) -> bool {
    example.name.is_some() || example.manufacturer.is_some()
}

fn hardware(definition: &Definition, example: &Example) -> Result<Hardware, String> {
    let of_bus = |bus, name: &str| {
        let mut hardware = Hardware::new(bus, name, "");
        hardware.manufacturer.extend(example.manufacturer.clone());
        hardware
    };
    let Some(name) = example.name.as_deref().or(examined(example).then_some("")) else {
        let bus = definition.matchers.first().map_or(Bus::Btle, Matcher::bus);
        return Ok(of_bus(bus, example.model.as_deref().unwrap_or("")));
    };
    let fitting = definition.matchers.iter().find_map(|matcher| {
        let hardware = of_bus(matcher.bus(), name);
        matcher.fits(&hardware).map(|_| hardware)
    });
    fitting.ok_or_else(|| "no [[match]] recognises this `name` and `manufacturer`".to_owned())
}
