//! The interface as a document that programs read.

use serde_json::{Map, Value, json};

use super::{Kind, Model, Settings, Task};

/// OpenAPI 3.1, made from the model's schema.
pub(crate) fn document(model: &dyn Model, settings: &Settings) -> Value {
    let schema = model.schema();
    let mut properties = Map::new();
    let mut required = Vec::new();
    for field in &schema.fields {
        let mut property = match &field.kind {
            Kind::Number {
                unit,
                min,
                max,
                whole,
            } => json!({
                "type": if *whole { "integer" } else { "number" },
                "minimum": min,
                "maximum": max,
                "x-unit": unit,
                "description": format!("{}, in {unit}", field.meaning),
            }),
            Kind::Flag => json!({"type": "boolean", "description": field.meaning}),
            Kind::Category { levels } => json!({
                "type": "string",
                "enum": levels,
                "description": field.meaning,
            }),
        };
        if field.optional {
            let kind = property["type"].take();
            property["type"] = json!([kind, "null"]);
        } else {
            required.push(field.name.clone());
        }
        properties.insert(field.name.clone(), property);
    }
    let (meaning, range) = match &schema.task {
        Task::Probability { event, threshold } => (
            format!("probability of: {event}; the decision is yes from {threshold}"),
            json!({"type": "number", "minimum": 0, "maximum": 1}),
        ),
        Task::Quantity { unit } => (format!("in {unit}"), json!({"type": "number"})),
    };
    let mut prediction = range;
    prediction["description"] = meaning.into();
    let refusal = |text: &str| {
        json!({
            "description": text,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
        })
    };
    let plain = |text: &str| json!({"responses": {"200": {"description": text, "content": {"text/plain": {}}}}});
    let predict = json!({
        "summary": schema.title,
        "parameters": [
            {"name": "explain", "in": "query", "schema": {"type": "boolean"},
             "description": "true adds what each field adds to the prediction"},
            {"name": "x-routing-key", "in": "header", "schema": {"type": "string"},
             "description": "requests with one key are answered by one version while a canary runs"},
            {"name": "x-request-id", "in": "header", "schema": {"type": "string", "maxLength": 64},
             "description": "comes back in the answer and stands in the log"},
        ],
        "requestBody": {
            "required": true,
            "content": {"application/json": {
                "schema": {"oneOf": [
                    {"$ref": "#/components/schemas/Row"},
                    {"type": "array", "items": {"$ref": "#/components/schemas/Row"},
                     "minItems": 1, "maxItems": settings.batch_limit},
                ]},
                "example": model.example(),
            }},
        },
        "responses": {
            "200": {"description": "a prediction for the row, or predictions for the batch", "content":
                {"application/json": {"schema": {"oneOf": [
                    {"$ref": "#/components/schemas/One"}, {"$ref": "#/components/schemas/Batch"}]}}}},
            "400": refusal("the body is not JSON"),
            "408": refusal("the body came too slowly"),
            "413": refusal("the body or the batch is too large"),
            "415": refusal("the content type is not application/json"),
            "422": refusal("fields are missing, unknown, of the wrong type or unit, or out of range: each is listed"),
            "500": refusal("the model failed"),
            "503": refusal("too many requests at once, or no model yet"),
            "504": refusal("the model took too long"),
        },
    });
    let one = json!({
        "type": "object",
        "required": ["id", "prediction", "unit"],
        "properties": {
            "id": {"type": "string", "description": "to tell later what became of it"},
            "prediction": prediction,
            "decision": {"type": "boolean"},
            "unit": {"type": "string"},
            "parts": {"type": "array", "items": {"type": "object", "properties":
                {"field": {"type": "string"}, "adds": {"type": "number"}}}},
        },
    });
    let model = json!({"type": "object", "properties": {
        "name": {"type": "string"}, "version": {"type": "string"},
        "role": {"type": "string", "enum": ["champion", "canary"]}}});
    let mut with_model = one.clone();
    with_model["properties"]["model"] = model.clone();
    json!({
        "openapi": "3.1.0",
        "info": {"title": schema.title, "version": "1", "x-model": schema.name},
        "paths": {
            "/predict": {"post": predict},
            "/feedback": {"post": {
                "summary": "What became of predictions",
                "requestBody": {"required": true, "content": {"application/json": {"schema": {"oneOf": [
                    {"$ref": "#/components/schemas/Outcome"},
                    {"type": "array", "items": {"$ref": "#/components/schemas/Outcome"}}]}}}},
                "responses": {
                    "200": {"description": "how many were matched, and which were not"},
                    "422": refusal("nothing could be taken in"),
                },
            }},
            "/healthz": {"get": plain("the process answers")},
            "/readyz": {"get": plain("a model is loaded")},
            "/metrics": {"get": plain("Prometheus' text format")},
        },
        "components": {"schemas": {
            "Row": {"type": "object", "properties": properties, "required": required, "additionalProperties": false},
            "Prediction": one,
            "One": with_model,
            "Batch": {"type": "object", "properties": {
                "predictions": {"type": "array", "items": {"$ref": "#/components/schemas/Prediction"}},
                "model": model}},
            "Outcome": {"type": "object", "required": ["id", "outcome"], "properties": {
                "id": {"type": "string"}, "outcome": {"type": ["number", "boolean"]}}},
            "Error": {"type": "object", "properties": {"error": {"type": "object", "properties": {
                "code": {"type": "string"}, "message": {"type": "string"}, "request_id": {"type": "string"},
                "fields": {"type": "array", "items": {"type": "object", "properties": {
                    "row": {"type": "integer"}, "field": {"type": "string"},
                    "code": {"type": "string"}, "message": {"type": "string"}}}}}}}},
        }},
    })
}
