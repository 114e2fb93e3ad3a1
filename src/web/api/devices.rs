//! The devices: what they can do and what they are doing.

use std::collections::BTreeMap;

use actix_web::Responder;
use actix_web::web::{Data, Json, Path};
use serde::Serialize;
use utoipa::ToSchema;

use super::path::index;
use super::problem::Problem;
use crate::buttplug::v4::{self, messages::Feature};
use crate::control::DeviceView;
use crate::types::{Bus, CommandError, DeviceState, OutputStatus};
use crate::web::site::Site;
use crate::words::listed;

/// A device.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Device {
    /// Its index.
    index: u32,
    /// The model's name.
    name: String,
    /// The user's own name for it.
    display_name: Option<String>,
    /// Where it was found, such as `btle`.
    #[schema(value_type = String)]
    bus: Bus,
    /// Its protocol.
    protocol: String,
    /// What tells it from others on its bus.
    address: String,
    /// `connected`, `away`, or `gone: ` and the reason.
    #[schema(value_type = String)]
    state: DeviceState,
    /// Smallest time between two writes in milliseconds.
    message_gap_ms: u32,
    /// Features by index, as version 4 of the Buttplug protocol describes them. Outputs take the values named here.
    #[schema(value_type = BTreeMap<String, Object>)]
    features: BTreeMap<u32, Feature>,
    /// What each output is doing, in the hardware's own steps.
    outputs: Vec<OutputStatus>,
    /// Outputs that nobody may use, and why.
    refused: Vec<String>,
}

impl From<DeviceView> for Device {
    fn from(DeviceView { description, status }: DeviceView) -> Self {
        Self {
            index: status.index,
            name: status.name,
            display_name: status.display_name,
            bus: status.bus,
            protocol: status.protocol,
            address: status.address,
            state: status.state,
            message_gap_ms: description.gap_ms,
            features: description.features.iter().map(|feature| (feature.index, v4::feature(feature))).collect(),
            outputs: status.outputs,
            refused: status.refused,
        }
    }
}

/// Every device by index.
pub(super) fn all(site: &Site) -> BTreeMap<u32, Device> {
    site.control.device_views().into_iter().map(|view| (view.status.index, view.into())).collect()
}

fn find(site: &Site, text: &str) -> Result<Device, Problem> {
    let device = index("device", text)?;
    let view = site.control.device_view(device);
    view.map(Device::from).ok_or_else(|| CommandError::unknown_device(device, site.control.devices().keys()).into())
}

/// Every device by index.
#[utoipa::path(get, operation_id = "list_devices", path = "/api/v1/devices", tag = "devices",
    responses((status = 200, body = BTreeMap<String, Device>)))]
pub(super) async fn list(site: Data<Site>) -> impl Responder {
    Json(all(&site))
}

/// One device.
#[utoipa::path(get, operation_id = "get_device", path = "/api/v1/devices/{device}", tag = "devices",
    params(("device" = u32, Path, description = "its index")),
    responses((status = 200, body = Device), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn one(site: Data<Site>, device: Path<String>) -> Result<Json<Device>, Problem> {
    find(&site, &device).map(Json)
}

/// The features of a device by index.
#[utoipa::path(get, operation_id = "list_features", path = "/api/v1/devices/{device}/features", tag = "devices",
    params(("device" = u32, Path, description = "its index")),
    responses((status = 200, body = BTreeMap<String, Object>), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn features(site: Data<Site>, device: Path<String>) -> Result<Json<BTreeMap<u32, Feature>>, Problem> {
    Ok(Json(find(&site, &device)?.features))
}

/// One feature of a device.
#[utoipa::path(get, operation_id = "get_feature", path = "/api/v1/devices/{device}/features/{feature}", tag = "devices",
    params(("device" = u32, Path, description = "its index"), ("feature" = u32, Path, description = "its index")),
    responses((status = 200, body = Object), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn feature(site: Data<Site>, path: Path<(String, String)>) -> Result<Json<Feature>, Problem> {
    let mut device = find(&site, &path.0)?;
    let feature = index("feature", &path.1)?;
    device.features.remove(&feature).map(Json).ok_or_else(|| {
        let known = listed(device.features.keys().map(ToString::to_string), "none");
        CommandError::UnknownFeature { device: device.index, feature, known }.into()
    })
}

/// Describes a feature; the route of Intiface's REST server.
#[utoipa::path(put, operation_id = "get_feature_by_put", path = "/api/v1/devices/{device}/features/{feature}/", tag = "intiface",
    params(("device" = u32, Path, description = "its index"), ("feature" = u32, Path, description = "its index")),
    responses((status = 200, body = Object), (status = 400, body = Problem), (status = 404, body = Problem)))]
#[allow(dead_code, reason = "it describes a second route of a handler")]
pub(super) fn feature_by_put() {}
