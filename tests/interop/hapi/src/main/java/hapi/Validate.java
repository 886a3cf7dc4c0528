package hapi;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.SingleValidationMessage;
import ca.uhn.fhir.validation.ValidationOptions;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.PrePopulatedValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.SnapshotGeneratingValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.UnknownCodeSystemWarningValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;
import org.hl7.fhir.instance.model.api.IBaseResource;

/**
 * HL7's own validator as HAPI carries it. From standard input: folders of definitions, and named resources with the
 * profiles each is to meet; to standard output: what it says of each. Code systems that nobody gave it are warnings.
 */
public class Validate {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final List<String> DEFINITIONS = List.of("StructureDefinition-", "ValueSet-", "CodeSystem-");

    public static void main(String[] arguments) throws IOException {
        PrintStream answer = System.out;
        System.setOut(System.err); // the validator core prints there
        JsonNode asked = JSON.readTree(System.in);
        FhirContext context = FhirContext.forR4();
        FhirValidator validator = context.newValidator();
        validator.registerValidatorModule(new FhirInstanceValidator(support(context, asked.get("folders"))));
        ArrayNode said = JSON.createArrayNode();
        for (JsonNode one : asked.get("resources")) {
            ValidationOptions options = new ValidationOptions();
            one.get("profiles").forEach(profile -> options.addProfile(profile.asText()));
            String text = one.get("resource").toString();
            for (SingleValidationMessage message : validator.validateWithResult(text, options).getMessages()) {
                said.addArray()
                        .add(one.get("name").asText())
                        .add(message.getSeverity().getCode())
                        .add(message.getLocationString())
                        .add(message.getMessage());
            }
        }
        answer.write(said.toString().getBytes(StandardCharsets.UTF_8));
        answer.flush();
    }

    private static ValidationSupportChain support(FhirContext context, JsonNode folders) throws IOException {
        PrePopulatedValidationSupport given = new PrePopulatedValidationSupport(context);
        for (JsonNode folder : folders) {
            try (Stream<Path> files = Files.walk(Path.of(folder.asText()))) {
                for (Path file : files.filter(Validate::isDefinition).sorted().toList()) {
                    IBaseResource resource = context.newJsonParser().parseResource(Files.readString(file));
                    given.addResource(resource);
                }
            }
        }
        UnknownCodeSystemWarningValidationSupport unknown = new UnknownCodeSystemWarningValidationSupport(context);
        unknown.setNonExistentCodeSystemSeverity(
                IValidationSupport.IssueSeverity.WARNING);
        return new ValidationSupportChain(
                given,
                new DefaultProfileValidationSupport(context),
                new CommonCodeSystemsTerminologyService(context),
                new InMemoryTerminologyServerValidationSupport(context),
                new SnapshotGeneratingValidationSupport(context),
                unknown);
    }

    private static boolean isDefinition(Path file) {
        String name = file.getFileName().toString();
        return name.endsWith(".json") && DEFINITIONS.stream().anyMatch(name::startsWith);
    }
}
