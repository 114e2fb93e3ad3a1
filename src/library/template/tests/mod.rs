//! Tests of the language as a whole, against the device of [`super::testing`].

mod expressions;
mod lines;
mod rejections;
mod steps;

use super::testing::*;
use super::*;
use crate::types::Endpoint;
