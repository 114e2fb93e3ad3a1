use crate::library::{template::Expression, template::testing::*};
use crate::simulation::distance;

fn distances(source: &str) -> Vec<f64> {
    let expression = Expression::parse(source, &names()).unwrap_or_else(|error| panic!("{source}: {error}"));
    let found = distance::distances(&expression, &device());
    let holds = expression.holds(&device()).unwrap_or(false);
    assert_eq!(holds, found.iter().all(|distance| *distance == 0.0), "{source}: {found:?}");
    assert!(found.iter().all(|distance| (0.0..=1.0).contains(distance)), "{source}: {found:?}");
    found
}

/// `reply` is 10 20 FF.
#[test]
fn what_holds_is_no_distance_away_and_what_is_nearer_is_less_far() {
    for true_ in ["1", "reply[0] == 0x10", "reply[0] != 5", "!(reply[0] == 5)", "reply[0] < 17 && len(reply) >= 3"] {
        assert!(distances(true_).iter().all(|distance| *distance == 0.0), "{true_}");
    }
    for (far, near) in [
        ("reply[0] == 0x40", "reply[0] == 0x11"),
        ("reply[0] > 0x40", "reply[0] > 0x10"),
        ("reply[0] < 1", "reply[0] <= 15"),
        ("reply[0] >= 0x40", "reply[0] >= 0x11"),
        ("!(reply[0] < 0x40)", "!(reply[0] < 0x11)"),
        ("!(reply[0] <= 0x40)", "!(reply[0] <= 0x10)"),
        ("!(reply[0] > 3)", "!(reply[0] > 15)"),
        ("!(reply[0] >= 3)", "!(reply[0] >= 16)"),
        ("!(reply[0] != 3)", "!(reply[0] != 15)"),
        ("!(reply[0] - 3)", "!(reply[0] - 15)"),
        ("reply[0] == 3 || reply[1] == 3", "reply[0] == 3 || reply[1] == 0x21"),
        ("(reply[0] << 8 | reply[1]) == 0x2020", "(reply[0] << 8 | reply[1]) == 0x1120"),
        ("reply[0] == 16 ? reply[1] == 1 : 1", "reply[0] == 16 ? reply[1] == 0x21 : 1"),
    ] {
        let (far, near) = (distances(far), distances(near));
        assert!(far[0] > near[0] && near[0] > 0.0, "{far:?} {near:?}");
    }
    assert_eq!(distances("reply[0] == 16 && reply[1] == 0 && !(reply[2] == 0xFF && 1)").len(), 3);
    assert_eq!(distances("lost == 1"), [1.0], "what has no value is as far as can be");
    let value = Expression::parse("reply[1] / 3", &names()).unwrap();
    assert_eq!(distance::distance_to(&value, 10.0, &device()), 0.0);
    assert!(distance::distance_to(&value, 12.0, &device()) < distance::distance_to(&value, 30.0, &device()));
}
