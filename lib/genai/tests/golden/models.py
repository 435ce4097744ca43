# data: minilm smollm2
"""Golden values of the two models: tokens by the Python tokenisers of transformers, forward passes written in numpy.

    python models.py [--check] MINILM_FOLDER SMOLLM2_FOLDER

Needs numpy, safetensors, gguf, regex and transformers (before version 5, whose tokenisers in Python these are; torch is
not needed). Writes `models.json` beside this file.
"""

import json
import math
import sys
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
TEXTS = [
    "What are the rules of ownership?",
    "error[E0382]: borrow of moved value: `name`",
    "fn main() { println!(\"{:?}\", x.iter().map(|v| v * 2).collect::<Vec<_>>()); }",
    "Café naïve ÀÉÎ — straße, “quoted” …",
    "Владение в Rust",
    "所有权 is ownership",
    "unbelievably-antidisestablishmentarianism 3.14159 2024",
    "a",
]
ERF = np.vectorize(math.erf)


def minilm(folder):
    from safetensors.numpy import load_file
    from transformers.models.bert.tokenization_bert import BertTokenizer

    w = load_file(folder / "model.safetensors")
    vocabulary = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "vocab.txt"
        path.write_text("".join(f"{t}\n" for t, _ in sorted(vocabulary.items(), key=lambda item: item[1])))
        tokenizer = BertTokenizer(str(path), do_lower_case=True)

    def linear(x, name):
        return x @ w[f"{name}.weight"].astype(np.float64).T + w[f"{name}.bias"]

    def norm(x, name):
        x = x - x.mean(-1, keepdims=True)
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-12) * w[f"{name}.weight"] + w[f"{name}.bias"]

    def embed(ids):
        n = len(ids)
        x = w["embeddings.word_embeddings.weight"][ids].astype(np.float64)
        x = x + w["embeddings.position_embeddings.weight"][:n] + w["embeddings.token_type_embeddings.weight"][0]
        x = norm(x, "embeddings.LayerNorm")
        for i in range(6):
            at = f"encoder.layer.{i}."
            q, k, v = (
                linear(x, f"{at}attention.self.{part}").reshape(n, 12, 32).transpose(1, 0, 2)
                for part in ("query", "key", "value")
            )
            scores = q @ k.transpose(0, 2, 1) / math.sqrt(32)
            scores = np.exp(scores - scores.max(-1, keepdims=True))
            mixed = (scores / scores.sum(-1, keepdims=True)) @ v
            mixed = mixed.transpose(1, 0, 2).reshape(n, 384)
            x = norm(linear(mixed, f"{at}attention.output.dense") + x, f"{at}attention.output.LayerNorm")
            inner = linear(x, f"{at}intermediate.dense")
            inner = inner * 0.5 * (1 + ERF(inner / math.sqrt(2)))
            x = norm(linear(inner, f"{at}output.dense") + x, f"{at}output.LayerNorm")
        mean = x.mean(0)
        return mean / np.linalg.norm(mean)

    cases = []
    for text in TEXTS:
        tokens = ["[CLS]", *tokenizer.tokenize(text), "[SEP]"]
        vector = embed(tokenizer.convert_tokens_to_ids(tokens))
        cases.append({"text": text, "tokens": tokens, "embedding": [round(float(v), 8) for v in vector]})
    return cases


def smollm2(path):
    import gguf
    from transformers.models.gpt2.tokenization_gpt2 import GPT2Tokenizer

    reader = gguf.GGUFReader(path)
    tokens = reader.fields["tokenizer.ggml.tokens"].contents()
    merges = reader.fields["tokenizer.ggml.merges"].contents()
    w = {t.name: gguf.quants.dequantize(t.data, t.tensor_type).astype(np.float64) for t in reader.tensors}
    with tempfile.TemporaryDirectory() as temporary:
        vocabulary, pairs = Path(temporary) / "vocab.json", Path(temporary) / "merges.txt"
        vocabulary.write_text(json.dumps({token: i for i, token in enumerate(tokens)}))
        pairs.write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
        tokenizer = GPT2Tokenizer(str(vocabulary), str(pairs))

    def encode(text):
        # each digit is cut off by itself before the rest is cut as GPT-2 does
        import regex

        return [i for part in regex.split(r"(\p{N})", text) if part for i in tokenizer.encode(part)]

    def norm(x, name):
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5) * w[name]

    def turn(x):
        """Rotates pairs of neighbours, shape (heads, n, 64)."""
        n = x.shape[1]
        angles = np.arange(n)[:, None] * 100000.0 ** (-2 * np.arange(32) / 64)
        cos, sin = np.cos(angles), np.sin(angles)
        out = np.empty_like(x)
        out[..., 0::2] = x[..., 0::2] * cos - x[..., 1::2] * sin
        out[..., 1::2] = x[..., 0::2] * sin + x[..., 1::2] * cos
        return out

    def logits(ids):
        n = len(ids)
        x = w["token_embd.weight"][ids]
        hidden = np.triu(np.full((n, n), -np.inf), 1)
        for i in range(30):
            at = f"blk.{i}."
            y = norm(x, f"{at}attn_norm.weight")
            split = lambda y, heads: y.reshape(n, heads, 64).transpose(1, 0, 2)
            q = turn(split(y @ w[f"{at}attn_q.weight"].T, 9))
            k = np.repeat(turn(split(y @ w[f"{at}attn_k.weight"].T, 3)), 3, axis=0)
            v = np.repeat(split(y @ w[f"{at}attn_v.weight"].T, 3), 3, axis=0)
            scores = q @ k.transpose(0, 2, 1) / 8 + hidden
            scores = np.exp(scores - scores.max(-1, keepdims=True))
            mixed = (scores / scores.sum(-1, keepdims=True)) @ v
            x = x + mixed.transpose(1, 0, 2).reshape(n, 576) @ w[f"{at}attn_output.weight"].T
            y = norm(x, f"{at}ffn_norm.weight")
            gate = y @ w[f"{at}ffn_gate.weight"].T
            x = x + (gate / (1 + np.exp(-gate)) * (y @ w[f"{at}ffn_up.weight"].T)) @ w[f"{at}ffn_down.weight"].T
        return norm(x[-1], "output_norm.weight") @ w["token_embd.weight"].T

    ids = encode("In Rust, each value has exactly one owner, and when the owner goes out of scope, the value is")
    assert len(ids) >= 16
    values = logits(ids)
    best = np.argsort(-values)[:10]
    places = sorted({*range(0, 49152, 997), *best.tolist()})
    return {
        "tokens": [{"text": text, "ids": encode(text)} for text in TEXTS],
        "prompt": ids,
        "best": best.tolist(),
        "logits": [[i, round(float(values[i]), 6)] for i in places],
    }


def main():
    arguments = [a for a in sys.argv[1:] if a != "--check"]
    import transformers

    new = {
        "versions": {"numpy": np.__version__, "transformers": transformers.__version__},
        "minilm": minilm(Path(arguments[0])),
        "smollm2": smollm2(next(Path(arguments[1]).glob("*.gguf"))),
    }
    path = HERE / "models.json"
    if "--check" not in sys.argv:
        path.write_text(json.dumps(new, ensure_ascii=False) + "\n")
        print(f"{path}: written")
        return
    old = json.loads(path.read_text())
    for old_case, new_case in zip(old["minilm"], new["minilm"], strict=True):
        assert old_case["tokens"] == new_case["tokens"], old_case["text"]
        assert np.allclose(old_case["embedding"], new_case["embedding"], rtol=0, atol=1e-7), old_case["text"]
    for key in ("tokens", "prompt", "best"):
        assert old["smollm2"][key] == new["smollm2"][key], key
    assert np.allclose(old["smollm2"]["logits"], new["smollm2"]["logits"], rtol=0, atol=1e-5)
    print(f"{path}: as computed")


if __name__ == "__main__":
    main()
