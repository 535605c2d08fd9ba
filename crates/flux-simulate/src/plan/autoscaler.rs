//! HorizontalPodAutoscalers: without metrics, the size only stays within its limits.

use super::status::Conditions;
use super::{Context, Part, Plan};
use crate::world::{Object, rfc3339, scale_target};
use serde_json::json;

pub(super) fn plan(ctx: &Context, scaler: &Object, plan: &mut Plan) {
    let (least, most) = (scaler.spec["minReplicas"].as_i64().unwrap_or(1), scaler.spec["maxReplicas"].as_i64());
    let target = scale_target(scaler).and_then(|key| ctx.world.get(&key)).filter(|target| !target.deleting);
    let mut conditions = Conditions::of(scaler, ctx.now);
    let mut status = scaler.status.as_object().cloned().unwrap_or_default();
    status.insert("observedGeneration".into(), scaler.generation.into());
    let Some(target) = target else {
        let reference = &scaler.spec["scaleTargetRef"];
        let text = |field: &str| reference[field].as_str().unwrap_or_default();
        let message = format!(
            "the HPA controller was unable to get the target's current scale: {}.{} \"{}\" not found",
            text("kind").to_lowercase(),
            text("apiVersion").split('/').next().unwrap_or_default(),
            text("name")
        );
        conditions.set("AbleToScale", false, "FailedGetScale", &message);
        status.remove("currentReplicas");
        status.insert("desiredReplicas".into(), 0.into());
        conditions.store(&mut status);
        return plan.set_status(scaler, status);
    };
    let held = target.replicas();
    // Zero switches an autoscaler off.
    let wanted = if held == 0 { 0 } else { held.min(most.unwrap_or(i64::MAX)).max(least) };
    if wanted != held {
        plan.patch(target, Part::Scale, json!({"spec": {"replicas": wanted}}));
        status.insert("lastScaleTime".into(), rfc3339(ctx.now).into());
    }
    let current = target.status["replicas"].as_i64().unwrap_or_default();
    // As Go leaves it out.
    if current == 0 {
        status.remove("currentReplicas");
    } else {
        status.insert("currentReplicas".into(), current.into());
    }
    status.insert("desiredReplicas".into(), wanted.into());
    conditions.set("AbleToScale", true, "ReadyForNewScale", "recommended size matches current size");
    if held == 0 {
        let message = "scaling is disabled since the replica count of the target is zero";
        conditions.set("ScalingActive", false, "ScalingDisabled", message);
        conditions.remove("ScalingLimited");
    } else {
        let message = "simulated: no metrics are read, the replica count stays within its limits";
        conditions.set("ScalingActive", true, "ValidMetricFound", message);
        match wanted == least {
            true => conditions.set(
                "ScalingLimited",
                true,
                "TooFewReplicas",
                "the desired replica count is less than the minimum replica count",
            ),
            false => conditions.set(
                "ScalingLimited",
                false,
                "DesiredWithinRange",
                "the desired count is within the acceptable range",
            ),
        }
    }
    conditions.store(&mut status);
    plan.set_status(scaler, status);
}
