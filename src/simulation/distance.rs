//! How far an expression is from being true. A search for bytes that satisfy a condition goes where this gets less.
//!
//! A comparison that does not hold is as far as its sides are apart, brought below 1, so that no comparison hides the
//! others. The conditions that `&&` joins are told one by one: which of them counts most is for the searcher to say.

use crate::library::{
    template::Binary, template::Context, template::Expr, template::Expression, template::Scope, template::Unary,
};

/// How far each of the conditions that `&&` joins is from being true: 0 for one that holds, else up to 1.
pub(super) fn distances(expression: &Expression, scope: &dyn Scope) -> Vec<f64> {
    let context = Context { scope, iteration: None, packet: &[] };
    let mut found = Vec::new();
    each(&expression.expr, &mut |condition| found.push(far(&context, condition, true)));
    found
}

/// How far the value of an expression, without its fraction, is from `wanted`: 0, or up to 1.
pub(super) fn distance_to(expression: &Expression, wanted: f64, scope: &dyn Scope) -> f64 {
    expression.value(scope).map_or(1.0, |value| apart(value.trunc() - wanted))
}

fn each<'e>(expression: &'e Expr, then: &mut dyn FnMut(&'e Expr)) {
    match expression {
        Expr::Binary(Binary::And, sides) => sides.iter().for_each(|side| each(side, then)),
        condition => then(condition),
    }
}

/// From 0 to below 1.
fn apart(difference: f64) -> f64 {
    let difference = difference.abs();
    if difference.is_finite() { difference / (difference + 1.0) } else { 1.0 }
}

/// How far an expression is from being true, or from being false.
fn far(context: &Context<'_>, expression: &Expr, truth: bool) -> f64 {
    match expression {
        Expr::Unary(Unary::Not, inner) => far(context, inner, !truth),
        Expr::Choice(parts) => {
            let [condition, then, otherwise] = &**parts;
            let way = |chosen, branch| far(context, condition, chosen) + far(context, branch, truth);
            way(true, then).min(way(false, otherwise)).min(1.0)
        }
        Expr::Binary(operator, sides) => {
            let [left, right] = &**sides;
            let both = || (far(context, left, truth) + far(context, right, truth)) / 2.0;
            let either = || far(context, left, truth).min(far(context, right, truth));
            match operator {
                Binary::And if truth => both(),
                Binary::And => either(),
                Binary::Or if truth => either(),
                Binary::Or => both(),
                _ => compared(context, *operator, left, right, truth)
                    .unwrap_or_else(|| plain(context, expression, truth)),
            }
        }
        _ => plain(context, expression, truth),
    }
}

/// `None` when the operator compares nothing.
fn compared(context: &Context<'_>, operator: Binary, left: &Expr, right: &Expr, truth: bool) -> Option<f64> {
    let difference = || Some(context.compute(left).ok()? - context.compute(right).ok()?);
    // How far the first side is above what is allowed; `strict` leaves one step between the sides.
    let above = |difference: f64, strict: bool| match strict {
        true if difference >= 0.0 => apart(difference + 1.0),
        false if difference > 0.0 => apart(difference),
        _ => 0.0,
    };
    let measured = |measure: &dyn Fn(f64) -> f64| {
        Some(difference().filter(|difference| !difference.is_nan()).map_or(1.0, measure))
    };
    match (operator, truth) {
        (Binary::Equal, true) | (Binary::Unequal, false) => measured(&apart),
        (Binary::Unequal, true) | (Binary::Equal, false) => measured(&|difference| f64::from(difference == 0.0)),
        (Binary::Less, true) | (Binary::GreaterOrEqual, false) => measured(&|difference| above(difference, true)),
        (Binary::LessOrEqual, true) | (Binary::Greater, false) => measured(&|difference| above(difference, false)),
        (Binary::Greater, true) | (Binary::LessOrEqual, false) => measured(&|difference| above(-difference, true)),
        (Binary::GreaterOrEqual, true) | (Binary::Less, false) => measured(&|difference| above(-difference, false)),
        _ => None,
    }
}

/// A value of which nothing is known but whether it is 0.
fn plain(context: &Context<'_>, expression: &Expr, truth: bool) -> f64 {
    match context.compute(expression) {
        Ok(value) if !value.is_finite() => 1.0,
        Ok(value) if truth => f64::from(value == 0.0),
        Ok(value) => apart(value),
        Err(_) => 1.0,
    }
}
