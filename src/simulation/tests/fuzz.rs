use super::decoding;
use crate::library::{template::testing::*, template::*};
use crate::simulation::decode::decode;

/// A linear congruential generator: the same "random" inputs on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

const TOKENS: [&str; 64] = [
    "tx", ":", " ", " ", " ", "ack", "if", "{", "}", "(", ")", "[", "]", "each", "vibrate", "v", "d", "i", "k", "n",
    "prev", "f0", "f31", "f32", "reply", "id", "lost", "later", "01", "FF", "0x", "1", "64", ".5", "\"", "\"a\"", "\\",
    "*", "*2", "*64", "?", "||", "&&", "|", "^", "&", "==", "<", "<<", ">>", "+", "-", "/", "%", "!", "~", ",", "abs(",
    "sum(", "seq()", ":bytes", ":dec3", "ä", "\u{0}",
];

const SEEDS: [&str; 8] = [
    "if {f0 + f1 > 0} tx ack: 0F 03 00 {(f0 << 4) | (n > 1 ? f1 : f0)} 00*3 {xor(1, 3)}",
    "tx: each vibrate( {v}*4 {k:dec2} ) ( 01 \"a\\n\" )*7 {d:u16be} {reply:bytes}",
    "tx: {min(1, max(2, 3), 4) << (id & 7):u32le} {seq()} {crc16_modbus(0, 2):u16le}",
    "maybe rx 100ms as key",
    "wait rx 3s as reply",
    "expect {reply[0] == 0x10 && len(reply) >= 2}",
    "read rx as x1",
    "sleep 60s",
];

/// Nothing may panic or take ages. What parses is also put to use, and what renders must decode.
fn put_to_use(source: &str) {
    let device = device();
    if let Ok(line) = PacketTemplate::parse(source, &names())
        && let Ok(applies) = line.applies(&device)
        && let Ok(packet) = line.encode(&device)
    {
        assert!(!packet.is_empty() && packet.len() <= 512, "{source}");
        let domain = decoding::small_domain();
        let decoded = decode(&line, &packet, &domain);
        // Decimal text is read greedily, so it can swallow digits that came from somewhere else.
        assert!(decoded.is_some() || !applies || source.contains("dec"), "{source} {packet:02x?}");
        let _ = decode(&line, packet.get(1..).unwrap_or_default(), &domain);
    }
    if let Ok(expression) = Expression::parse(source, &names()) {
        assert!(expression.value(&device).is_ok_and(f64::is_finite) || expression.value(&device).is_err());
    }
    let _ = Step::parse(source, &mut names());
}

#[test]
fn any_tokens() {
    let mut random = Random(1);
    for round in 0..3000 {
        let mut source = if round % 2 == 0 { "tx: ".to_owned() } else { String::new() };
        for _ in 0..random.below(40) {
            source.push_str(random.pick(&TOKENS));
        }
        put_to_use(&source);
    }
}

#[test]
fn mutated_templates() {
    let mut random = Random(2);
    for _ in 0..3000 {
        let mut chars: Vec<char> = random.pick(&SEEDS).chars().collect();
        for _ in 0..=random.below(4) {
            if chars.is_empty() {
                break;
            }
            let at = random.below(chars.len());
            match random.below(4) {
                0 => drop(chars.remove(at)),
                1 => chars.truncate(at + 1),
                2 => chars.insert(at, random.pick(&TOKENS).chars().next().unwrap()),
                _ => {
                    let copy = chars.clone();
                    chars.splice(at..at, copy);
                }
            }
        }
        put_to_use(&chars.into_iter().collect::<String>());
    }
}

#[test]
fn any_characters() {
    let mut random = Random(3);
    for _ in 0..1000 {
        let source: String =
            (0..random.below(60)).map(|_| char::from_u32(random.below(0x250) as u32).unwrap_or(' ')).collect();
        put_to_use(&source);
    }
}

/// A well-formed expression that reaches every operator and function.
fn expression(random: &mut Random, depth: usize) -> String {
    const LEAVES: [&str; 14] =
        ["v", "d", "i", "n", "f0", "f1", "f2", "vibrate", "rotate", "id", "reply[1]", "0x3F", "2", "count(rotate)"];
    const OPERATORS: [&str; 18] =
        ["||", "&&", "|", "^", "&", "==", "!=", "<", "<=", ">", ">=", "<<", ">>", "+", "-", "*", "/", "%"];
    if depth == 0 {
        return random.pick(&LEAVES).to_owned();
    }
    let mut below = || expression(random, depth - 1);
    let (a, b, c) = (below(), below(), below());
    match random.below(9) {
        0 => format!("({a} ? {b} : {c})"),
        1 => format!("max({a}, {b}, {c})"),
        2 => format!("{}({a})", random.pick(&["abs", "floor", "round", "-", "!", "~", "reply[0] + "])),
        3 => a,
        _ => format!("({a} {} {b})", random.pick(&OPERATORS)),
    }
}

#[test]
fn what_renders_decodes() {
    let mut random = Random(4);
    for _ in 0..400 {
        let depth = random.below(3);
        let (a, b) = (expression(&mut random, depth), expression(&mut random, 1));
        let format = random.pick(&["u16be", "i8", "u8", "hex6", "u32le"]);
        put_to_use(&format!("if {{{b}}} tx: 01 {{{a}:{format}}} each rotate( {{{b} & 0xFF}}*2 {{k}} ) {{xor()}}"));
    }
}
