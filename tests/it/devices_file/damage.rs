//! Files that are cut off, emptied, removed or replaced, and the ways in which editors save: nothing beyond the limit.

use std::path::Path;

use super::*;

const LIMIT: &str = "output.\"0.vibrate\" = { range = [0, 4], of = [0, 20] }";

/// Asks for everything, and sees that nothing beyond a level of 4 reaches the hardware.
async fn never_more_than_four(running: &mut Running, what: &str) {
    // Another than before: what the hardware has already is not written again.
    running.last = 5 - running.last;
    let last = u8::try_from(running.last).unwrap();
    for level in [20, 4, 19, running.last] {
        running.client.ask("OutputCmd", crate::support::output(0, 0, "Vibrate", level)).await;
    }
    // The last is allowed, and is written after all that was asked for before.
    loop {
        match running.hardware.done().await {
            Done::Write(_, data, _) if data == [1, 0, last] => break,
            Done::Write(_, data, _) => assert!(data[2] <= 4, "{what}: {data:?}"),
            _ => {}
        }
    }
}

async fn limited() -> Running {
    let mut running = Running::start(&[]).await;
    std::fs::write(running.file(), entry(LIMIT)).unwrap();
    assert_eq!(running.hardware.done().await, Done::tx([1, 0, 4]));
    running.changed(|device| *greatest(device) == 4).await;
    running
}

#[tokio::test]
async fn a_file_that_is_damaged_in_any_way_loosens_nothing_and_everybody_is_told() {
    let mut running = limited().await;
    let file = running.file();
    let whole = entry(LIMIT);
    let remove = |file: &Path| std::fs::remove_file(file).unwrap();
    let cuts: Vec<String> = (0..whole.len() - 2).step_by(9).map(|end| whole[..end].to_owned()).collect();
    let texts = cuts.into_iter().chain(["version = 1\n".to_owned(), whole.replace("version = 1", "version = 2")]);
    for text in texts {
        std::fs::write(&file, &text).unwrap();
        problems(&running.bench.server, true).await;
        never_more_than_four(&mut running, &text).await;
        std::fs::write(&file, &whole).unwrap();
        problems(&running.bench.server, false).await;
    }
    remove(&file);
    let told = problems(&running.bench.server, true).await;
    assert!(told.contains("range = [0, 4]") && told.contains("hapticd device forget"), "{told}");
    never_more_than_four(&mut running, "removed").await;
    std::fs::create_dir(&file).unwrap();
    running.bench.server.logged("it is no regular file");
    never_more_than_four(&mut running, "a directory").await;
    std::fs::remove_dir(&file).unwrap();
    std::fs::write(&file, format!("\u{feff}{whole}")).unwrap();
    problems(&running.bench.server, false).await;
    never_more_than_four(&mut running, "with a byte order mark").await;
    // What somebody writes down loosens it.
    std::fs::write(&file, entry("output.\"0.vibrate\" = { range = \"unlimited\" }")).unwrap();
    while running.client.ask("OutputCmd", crate::support::output(0, 0, "Vibrate", 20)).await.get("Ok").is_none() {}
    while running.hardware.done().await != Done::tx([1, 0, 20]) {}
}

#[tokio::test]
async fn a_limit_is_taken_however_an_editor_saves_it() {
    type Save = fn(&Path, &str);
    let saves: [(&str, Save); 3] = [
        // The old file under another name, then a new one.
        ("vi", |file, text| {
            let backup = file.with_extension("toml~");
            let _ = std::fs::rename(file, &backup);
            std::fs::write(file, text).unwrap();
            let _ = std::fs::remove_file(&backup);
        }),
        ("nano", |file, text| {
            use std::io::Write;
            let mut file = std::fs::File::create(file).unwrap();
            let (first, rest) = text.split_at(text.len() / 2);
            file.write_all(first.as_bytes()).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(200));
            file.write_all(rest.as_bytes()).unwrap();
        }),
        ("VS Code", |file, text| {
            let beside = file.with_extension("toml.vsctmp");
            std::fs::write(&beside, text).unwrap();
            std::fs::rename(&beside, file).unwrap();
        }),
    ];
    for (editor, save) in saves {
        let mut running = limited().await;
        let file = running.file();
        for level in [2, 1, 3] {
            save(&file, &entry(LIMIT).replace("[0, 4]", &format!("[0, {level}]")));
            // What is known of the file meanwhile is never more than what was allowed before.
            loop {
                let changed = running.changed(|device| greatest(device).is_i64()).await;
                let most = greatest(&changed).as_i64().unwrap();
                assert!(most <= 4, "{editor}: {most}");
                if most == level {
                    break;
                }
            }
        }
        problems(&running.bench.server, false).await;
        never_more_than_four(&mut running, editor).await;
    }
}
