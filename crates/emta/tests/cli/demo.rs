//! `emta demo`: the same seed prints the same story.

use crate::support::emta;

#[test]
fn the_same_seed_prints_the_same_story() {
    let run = |seed: &str, mode: &str| {
        let run = emta(&["demo", "--recipients", "120", "--seed", seed, "--mode", mode]);
        assert!(run.stderr.contains("relayed"), "progress: {}", run.stderr);
        run.ok()
    };
    let told = run("7", "efs");
    let without_wall_time = |told: &str| told.rsplit_once(", in ").unwrap().0.to_owned();
    assert_eq!(without_wall_time(&told), without_wall_time(&run("7", "efs")));
    assert_ne!(without_wall_time(&told), without_wall_time(&run("8", "efs")));
    assert!(told.starts_with("Delivery 1: 120 recipients, "), "{told}");
    for title in
        ["KPIs", "Bounces + errors by type", "Rules of the MTA", "Inbound email rules", "Left to qualify"]
    {
        assert!(told.contains(&format!("\n{title}")), "{title}: {told}");
    }
    assert!(told.contains("from 2026-01-05T09:00:00.000Z to 2026-01-"), "{told}");

    // After the validity the three modes agree on every message, whichever is in force.
    for (place, mode) in ["without-efs", "efs", "efs-v8"].into_iter().enumerate() {
        let told = run("7", mode);
        let line = told.lines().find(|line| line.starts_with("New quarantine")).unwrap();
        let quarantined = line.split_whitespace().nth(2 + place).unwrap();
        assert!(quarantined.parse::<u64>().is_ok(), "kept in the mode in force: {mode}: {line}");
        for row in ["Delivered ", "Bounces + errors "] {
            let line = told.lines().find(|line| line.starts_with(row)).unwrap();
            let cells: Vec<&str> = line[row.len()..].split("%)").map(str::trim).collect();
            assert!(cells[0] == cells[1] && cells[1] == cells[2], "{mode}: {line}");
        }
    }
}
