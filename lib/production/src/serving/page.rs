//! A form to try the model with.

use std::fmt::Write;

use super::{Kind, Model, Task};
use serde_json::Value;

const PAGE: &str = include_str!("page.html");

/// The page: a field an input, made from the schema.
pub(crate) fn page(model: &dyn Model) -> String {
    let (schema, example) = (model.schema(), model.example());
    let chosen = |yes: bool| if yes { " selected" } else { "" };
    let mut fields = String::new();
    for field in &schema.fields {
        let (name, meaning) = (escape(&field.name), escape(&field.meaning));
        let (unit, input) = match &field.kind {
            Kind::Number {
                unit,
                min,
                max,
                whole,
            } => {
                let step = if *whole { "1" } else { "any" };
                let value = example
                    .get(&field.name)
                    .map(ToString::to_string)
                    .unwrap_or_default();
                let input = format!(
                    "<input id=\"{name}\" name=\"{name}\" type=\"number\" step=\"{step}\" value=\"{value}\" \
                     aria-describedby=\"{name}-about {name}-fault\" data-min=\"{min}\" data-max=\"{max}\">"
                );
                (escape(unit), input)
            }
            Kind::Flag => {
                let input = format!(
                    "<select id=\"{name}\" name=\"{name}\" data-flag aria-describedby=\"{name}-about {name}-fault\">\
                     <option value=\"false\">no</option><option value=\"true\"{}>yes</option></select>",
                    chosen(example.get(&field.name) == Some(&Value::Bool(true)))
                );
                (String::new(), input)
            }
            Kind::Category { levels } => {
                let mut input = format!(
                    "<select id=\"{name}\" name=\"{name}\" aria-describedby=\"{name}-about {name}-fault\">"
                );
                if field.optional {
                    input.push_str("<option value=\"\"></option>");
                }
                for level in levels {
                    let given = example.get(&field.name).and_then(Value::as_str);
                    let mark = chosen(given == Some(level));
                    let _ = write!(input, "<option{mark}>{}</option>", escape(level));
                }
                input.push_str("</select>");
                (String::new(), input)
            }
        };
        let _ = writeln!(
            fields,
            "<div class=\"field\"><label for=\"{name}\">{name}</label>{input}<span class=\"unit\">{unit}</span>\
             <small id=\"{name}-about\">{meaning}</small><p class=\"fault\" id=\"{name}-fault\" data-field=\"{name}\"></p></div>"
        );
    }
    // how the answer is read: an event's probability beside its threshold, or a quantity in its unit
    let (reading, adds) = match &schema.task {
        Task::Probability { event, threshold } => {
            let event = escape(event);
            let reading = format!(" data-event=\"{event}\" data-threshold=\"{threshold}\"");
            (reading, "log-odds")
        }
        Task::Quantity { unit } => (String::new(), unit.as_str()),
    };
    PAGE.replace("{{title}}", &escape(&schema.title))
        .replace("{{reading}}", &reading)
        .replace("{{adds}}", &escape(adds))
        .replace("{{fields}}", &fields)
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
