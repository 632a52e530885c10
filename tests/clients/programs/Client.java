import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Map.Entry;
import java.util.function.Supplier;

/** The JDK's HttpClient: with its defaults (each request asks to go on in HTTP/2), with HTTP/1.1 alone, and a new one for each request. */
public class Client {
    static String address;
    static Path folder;
    static final List<Map<String, Object>> small = new ArrayList<>(), large = new ArrayList<>();
    static int turn, requests, failed;
    static final Map<String, Integer> failures = new HashMap<>(), versions = new HashMap<>(), names = new HashMap<>();
    static volatile boolean over;

    public static void main(String[] arguments) throws Exception {
        address = arguments[0];
        folder = Path.of(arguments[1]).getParent();
        for (Object each : list(new Json(Files.readString(Path.of(arguments[1]))).value())) {
            (object(each).get("large").equals(true) ? large : small).add(object(each));
        }
        HttpClient usual = HttpClient.newHttpClient();
        HttpClient old = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        List<Supplier<HttpClient>> workers = List.of(() -> usual, () -> usual, () -> old, HttpClient::newHttpClient);
        List<Thread> threads = workers.stream().map(worker -> new Thread(() -> rounds(worker))).toList();
        threads.forEach(Thread::start);
        System.in.readAllBytes();
        over = true;
        for (Thread thread : threads) {
            thread.join();
        }
        String counts = "{\"requests\": %d, \"failed\": %d, \"failures\": %s, \"versions\": %s, \"names\": %s}";
        System.out.printf(counts + "%n", requests, failed, Json.of(failures), Json.of(versions), Json.of(names));
        System.exit(0);
    }

    static void rounds(Supplier<HttpClient> client) {
        String id = "";
        while (!over) {
            List<Map<String, Object>> now = new ArrayList<>(small);
            synchronized (names) {
                now.add(large.get(turn++ % large.size()));
            }
            for (Map<String, Object> request : now) {
                String version = null, failure = null;
                try {
                    HttpResponse<byte[]> answer = null;
                    for (double tries = (Double) request.get("tries"); tries > 0; tries--) {
                        answer = client.get().send(made(request, id), BodyHandlers.ofByteArray());
                        if (request.get("status").equals((double) answer.statusCode())) {
                            break;
                        }
                    }
                    version = version(request, answer);
                    if (request.get("id_at") != null) {
                        id = (String) at(new Json(text(answer.body())).value(), request.get("id_at"));
                    }
                } catch (Exception e) {
                    failure = request.get("name") + ": " + e;
                }
                count((String) request.get("name"), version, failure);
            }
            System.out.println("round");
        }
    }

    static synchronized void count(String name, String version, String failure) {
        requests++;
        names.merge(name, 1, Integer::sum);
        if (version != null) {
            versions.merge(version, 1, Integer::sum);
        }
        if (failure != null) {
            failed++;
            failures.merge(failure, 1, Integer::sum);
        }
    }

    static HttpRequest made(Map<String, Object> request, String id) throws IOException {
        BodyPublisher body = BodyPublishers.noBody();
        if (!request.get("text").equals("")) {
            body = BodyPublishers.ofString(((String) request.get("text")).replace("{id}", id));
        } else if (request.get("chunked").equals(true)) {
            Path file = folder.resolve((String) request.get("body"));
            body = BodyPublishers.ofInputStream(() -> {
                try {
                    return Files.newInputStream(file);
                } catch (IOException e) {
                    throw new IllegalStateException(e);
                }
            });
        } else if (!request.get("body").equals("")) {
            body = BodyPublishers.ofByteArray(Files.readAllBytes(folder.resolve((String) request.get("body"))));
        }
        HttpRequest.Builder made = HttpRequest.newBuilder(URI.create(address + request.get("path")));
        made.method((String) request.get("method"), body).timeout(Duration.ofSeconds(300));
        made.expectContinue(request.get("expect").equals(true));
        object(request.get("headers")).forEach((name, value) -> made.header(name, (String) value));
        return made.build();
    }

    /** Whose answer it is; null where nothing says it. */
    static String version(Map<String, Object> request, HttpResponse<byte[]> answer) {
        byte[] body = answer.body();
        String start = text(body).substring(0, Math.min(body.length, 200));
        Object status = (double) answer.statusCode();
        require(status.equals(request.get("status")) || status.equals(request.get("draining")), status + " " + start);
        if (request.get("method").equals("HEAD")) {
            return null;
        }
        require(text(body).contains((String) request.get("contains")), "no " + request.get("contains") + " in " + start);
        if (object(request.get("numbers")).isEmpty()) {
            return null;
        }
        boolean binary = request.get("binary").equals(true);
        String length = answer.headers().firstValue("Inference-Header-Content-Length").orElse("");
        int end = binary ? Integer.parseInt(length) : body.length;
        Object document = new Json(text(body).substring(0, end)).value();
        List<Double> numbers = new ArrayList<>();
        if (binary) {
            ByteBuffer rest = ByteBuffer.wrap(body, end, body.length - end).order(ByteOrder.LITTLE_ENDIAN);
            while (rest.remaining() >= 8) {
                numbers.add(rest.getDouble());
            }
        } else {
            flatten(at(document, request.get("at")), numbers);
        }
        int count = ((Double) request.get("count")).intValue();
        for (Entry<String, Object> each : object(request.get("numbers")).entrySet()) {
            if (same(numbers, list(each.getValue()), count)) {
                Object said = request.get("version_at") == null ? each.getKey() : at(document, request.get("version_at"));
                require(said.equals(each.getKey()), "numbers of version " + each.getKey() + ", said to be of " + said);
                return each.getKey();
            }
        }
        throw new IllegalStateException(numbers.size() + " numbers of no version: " + start);
    }

    static boolean same(List<Double> numbers, List<Object> expected, int count) {
        for (int n = 0; n < numbers.size(); n++) {
            if (!(Math.abs(numbers.get(n) - (Double) expected.get(n % expected.size())) < 1e-9)) {
                return false;
            }
        }
        return numbers.size() == count;
    }

    static Object at(Object document, Object path) {
        for (Object step : list(path)) {
            document = step instanceof Double n ? list(document).get(n.intValue()) : object(document).get(step);
        }
        return document;
    }

    static void flatten(Object value, List<Double> numbers) {
        if (value instanceof Double number) {
            numbers.add(number);
        } else {
            list(value).forEach(each -> flatten(each, numbers));
        }
    }

    static String text(byte[] body) {
        return new String(body, StandardCharsets.ISO_8859_1);
    }

    static void require(boolean condition, String otherwise) {
        if (!condition) {
            throw new IllegalStateException(otherwise);
        }
    }

    @SuppressWarnings("unchecked")
    static List<Object> list(Object value) {
        return (List<Object>) value;
    }

    @SuppressWarnings("unchecked")
    static Map<String, Object> object(Object value) {
        return (Map<String, Object>) value;
    }

    /** As much of JSON as is in plans and answers: the JDK has none. */
    static class Json {
        private final String text;
        private int at;

        Json(String text) {
            this.text = text;
        }

        static String of(Map<String, Integer> counts) {
            List<String> parts = new ArrayList<>();
            counts.forEach((key, count) -> parts.add("\"" + key.replaceAll("[\"\\\\\\p{Cntrl}]", "'") + "\": " + count));
            return "{" + String.join(", ", parts) + "}";
        }

        Object value() {
            switch (next()) {
                case '{':
                    Map<String, Object> object = new LinkedHashMap<>();
                    at++;
                    while (next() != '}') {
                        String key = string();
                        object.put(key, value());
                    }
                    at++;
                    return object;
                case '[':
                    List<Object> list = new ArrayList<>();
                    at++;
                    while (next() != ']') {
                        list.add(value());
                    }
                    at++;
                    return list;
                case '"':
                    return string();
                default:
                    int start = at;
                    while (at < text.length() && ",:]} \n".indexOf(text.charAt(at)) < 0) {
                        at++;
                    }
                    String word = text.substring(start, at);
                    return switch (word) {
                        case "true", "false" -> word.equals("true");
                        case "null" -> null;
                        default -> Double.valueOf(word);
                    };
            }
        }

        /** The next character that means something: that a value comes before it is known from where it stands. */
        private char next() {
            while (",: \n".indexOf(text.charAt(at)) >= 0) {
                at++;
            }
            return text.charAt(at);
        }

        private String string() {
            StringBuilder found = new StringBuilder();
            for (at++; text.charAt(at) != '"'; at++) {
                found.append(text.charAt(at) == '\\' ? text.charAt(++at) : text.charAt(at));
            }
            at++;
            return found.toString();
        }
    }
}
